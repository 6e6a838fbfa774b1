"""Policies: distributions over the architectures of a space with weights to be learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pdas.support.arrays import IntArray

Choose = Callable[[int, Tensor], Tensor]
"""From a variable and ln p `(n, K_i)` of its categories to the category `(n,)` of each draw."""


class Drawn(NamedTuple):
    """Draws of a policy.

    Attributes:
        indices: of the architectures, `(n, D)`.
        log_prob: ln p of each, `(n,)`.
        entropy: the sum of the entropies of all variables on the path of each, `(n,)`, in nats.

    Example:
        policy.drawn(choose, 4).log_prob.exp()
    """

    indices: Tensor
    log_prob: Tensor
    entropy: Tensor


class Policy(nn.Module, ABC):
    """A distribution that chooses one variable after the other.

    Args:
        sizes: K_i of the D variables.

    Example:
        policy = LSTMPolicy(space.sizes, hidden=64, scale=0.1, seed=0)
        policy.sample(np.random.default_rng(0), 4)
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = [int(size) for size in sizes]

    @abstractmethod
    def path(self, n: int, choose: Callable[[int, Tensor], Tensor]) -> None:
        """Choose all variables, in the order of the policy.

        Args:
            n: how many architectures at a time.
            choose: called with each variable that has a choice and its logits `(n, K_i)`; returns
                the categories `(n,)`.
        """

    def drawn(self, choose: Choose, n: int) -> Drawn:
        """Draws whose categories `choose` decides."""
        indices = torch.zeros(n, len(self.sizes), dtype=torch.long)
        log_probs: list[Tensor] = [torch.zeros(n)]
        entropies: list[Tensor] = [torch.zeros(n)]

        def decide(variable: int, logits: Tensor) -> Tensor:
            log_p = logits.log_softmax(1)
            chosen = choose(variable, log_p.detach())
            indices[:, variable] = chosen
            log_probs.append(log_p.gather(1, chosen.unsqueeze(1)).squeeze(1))
            entropies.append(-(log_p.exp() * log_p).sum(1))
            return chosen

        self.path(n, decide)
        return Drawn(indices, torch.stack(log_probs).sum(0), torch.stack(entropies).sum(0))

    @torch.no_grad()
    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Indices `(n, D)` of draws."""

        def draw(variable: int, log_p: Tensor) -> Tensor:
            below = log_p.double().exp().cumsum(1)[:, :-1]
            return (torch.from_numpy(rng.random(n)).unsqueeze(1) >= below).sum(1)

        return self._array(self.drawn(draw, n))

    @torch.no_grad()
    def greedy(self) -> IntArray:
        """Indices `(D,)` of the most probable category at each step; it is not the joint mode."""
        chosen: IntArray = self._array(self.drawn(lambda variable, log_p: log_p.argmax(1), 1))[0]
        return chosen

    def evaluate(self, indices: IntArray) -> Drawn:
        """ln p and entropy of architectures `(n, D)`, drawn or not, with gradients."""
        given = torch.as_tensor(np.array(indices), dtype=torch.long)
        return self.drawn(lambda variable, log_p: given[:, variable], len(given))

    def _array(self, drawn: Drawn) -> IntArray:
        array: IntArray = drawn.indices.numpy().astype(np.int64)
        return array


def uniform_weights(module: nn.Module, scale: float, seed: int) -> None:
    """Draw all weights of a module uniformly from (-scale, scale)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.uniform_(-scale, scale, generator=generator)
