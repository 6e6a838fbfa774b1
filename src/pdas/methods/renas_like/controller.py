"""The network that says which variable of a parent to change, and to what."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pdas.methods.policy_gradient.policy import uniform_weights
from pdas.space import SearchSpace
from pdas.space.categories import starts

EMBEDDING, HIDDEN = 16, 50  # sizes, of each direction of the LSTM
SCALE = 0.1  # weights of the encoder are uniform in (-SCALE, SCALE)


class Controller(nn.Module):
    """An encoder over the variables, a router that chooses one of them, and a head for each.

    Every pair of variable and category has an embedding. An LSTM in both directions makes h_i of
    them. The router is the softmax of w . h_i over the variables with a choice, the head of
    variable i a softmax over its categories but the present one. The router and the heads start at
    zero, so the first mutations are uniform.

    Args:
        space: the search space.
        seed: of the weights.

    Example:
        router, states = controller(parents)
    """

    def __init__(self, space: SearchSpace, *, seed: int = 0) -> None:
        super().__init__()
        sizes = space.sizes.tolist()
        self._starts = torch.from_numpy(starts(space.sizes))
        self.embedding = nn.Embedding(sum(sizes), EMBEDDING)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True, batch_first=True)
        uniform_weights(self, SCALE, seed)
        self.router = nn.Parameter(torch.zeros(2 * HIDDEN))
        self.heads = nn.ParameterList(torch.zeros(2 * HIDDEN, size) for size in sizes)
        self._fixed = torch.tensor([size == 1 for size in sizes])

    def forward(self, parents: Tensor) -> tuple[Tensor, Tensor]:
        """Where to change parents.

        Args:
            parents: category indices `(n, D)`.

        Returns:
            ln p of each variable `(n, D)`, and h `(n, D, 100)`.
        """
        states, _ = self.lstm(self.embedding(parents + self._starts))
        scores = (states @ self.router).masked_fill(self._fixed, -torch.inf)
        return scores.log_softmax(1), states

    def head(self, variable: int, state: Tensor, present: Tensor | int) -> Tensor:
        """To what a variable of one parent changes.

        Args:
            variable: its position.
            state: h_i of the parent, `(100,)`.
            present: the category of the parent.

        Returns:
            ln p of its categories, `(K_i,)`.
        """
        logits: Tensor = state @ self.heads[variable]
        is_present = torch.arange(len(logits)) == present
        return logits.masked_fill(is_present, -torch.inf).log_softmax(0)
