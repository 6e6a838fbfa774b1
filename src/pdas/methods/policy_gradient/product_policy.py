"""A product of softmaxes, one for each variable: the simplest policy, as a control.

Dong et al., "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI
2021, have it as REINFORCE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.policy_gradient.policy import Policy

START = 1e-3  # standard deviation of the logits


@computes_on_cpu
class ProductPolicy(Policy):
    """Independent categories, with their logits as weights.

    Args:
        sizes: K_i of the D variables.
        seed: of the logits.

    Example:
        ProductPolicy(space.sizes).greedy()
    """

    def __init__(self, sizes: Sequence[int], *, seed: int = 0) -> None:
        super().__init__(sizes)
        generator = torch.Generator().manual_seed(seed)
        self.logits = nn.ParameterList(
            nn.Parameter(START * torch.randn(size, generator=generator)) for size in self.sizes
        )

    def path(self, n: int, choose: Callable[[int, Tensor], Tensor]) -> None:
        for variable, logits in enumerate(self.logits):
            if self.sizes[variable] > 1:
                choose(variable, logits.expand(n, -1))
