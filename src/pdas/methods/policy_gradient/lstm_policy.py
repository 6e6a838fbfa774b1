"""An autoregressive LSTM over the variables of any space.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.policy_gradient.policy import Policy, uniform_weights


@computes_on_cpu
class LSTMPolicy(Policy):
    """One LSTM step for each variable, whose category is the input of the next step.

    Args:
        sizes: K_i of the D variables.
        hidden: numbers in the state of each layer.
        layers: of the LSTM.
        scale: all weights are drawn uniformly from (-scale, scale).
        bound: t of logits t tanh(z), which bounds all probabilities; None for logits z.
        seed: of the weights.

    Example:
        LSTMPolicy([3, 2], hidden=35, layers=2, scale=0.08).greedy()
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        hidden: int,
        layers: int = 1,
        scale: float = 0.1,
        bound: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(sizes)
        self._bound = bound
        self.start = nn.Parameter(torch.empty(hidden))
        self.lstm = nn.LSTM(hidden, hidden, layers)
        free = [size for size in self.sizes if size > 1]
        self.heads = nn.ModuleList(nn.Linear(hidden, size) for size in free)
        self.embeddings = nn.ModuleList(nn.Embedding(size, hidden) for size in free)
        uniform_weights(self, scale, seed)

    def path(self, n: int, choose: Callable[[int, Tensor], Tensor]) -> None:
        x = self.start.expand(n, -1)
        state = None  # of zeros
        free = (i for i, size in enumerate(self.sizes) if size > 1)
        for variable, head, embedding in zip(free, self.heads, self.embeddings, strict=True):
            out, state = self.lstm(x.unsqueeze(0), state)
            logits = head(out[0])
            if self._bound is not None:
                logits = self._bound * torch.tanh(logits)
            x = embedding(choose(variable, logits))
