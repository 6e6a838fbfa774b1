"""The weights that a network begins with, of the network of another architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pdas.space import Architecture


@runtime_checkable
class Heir(Protocol):
    """A network that knows which part of a weight belongs to which part of an architecture.

    Example:
        weights = network.inherited(parent, weights)
    """

    def inherited(
        self, parent: Architecture, weights: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor]:
        """The weights of a parent in the form of this network.

        Args:
            parent: its architecture.
            weights: of the parent's network, by name.

        Returns:
            Weights by name. What the parent does not have is as it is in this network.
        """


@torch.no_grad()
def inherit(network: nn.Module, parent: Architecture, weights: Mapping[str, Tensor]) -> None:
    """Copy every weight and buffer of a parent whose name and shape are equal; the rest is kept.

    A network that is an `Heir` says itself what else it can use.

    Args:
        network: of the child, with fresh weights.
        parent: its architecture.
        weights: the `state_dict` of its network.
    """
    if isinstance(network, Heir):
        weights = network.inherited(parent, weights)
    for name, own in network.state_dict().items():
        found = weights.get(name)
        if isinstance(own, Tensor) and found is not None and found.shape == own.shape:
            own.copy_(found)
