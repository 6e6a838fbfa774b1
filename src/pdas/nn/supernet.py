"""What the search asks of a network with choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from pdas.errors import SpaceError
from pdas.space import Architecture, SearchSpace


@runtime_checkable
class Supernet(Protocol):
    """A `torch.nn.Module` with a search space, which is handed an architecture at every call.

    It never samples and knows no optimizer. An architecture of another space is refused with a
    SpaceError. `pdas.testing.SupernetTests` tests that and more.
    """

    @property
    def space(self) -> SearchSpace:
        """The choices that the network has."""

    def __call__(self, x: Tensor, architecture: Architecture) -> Tensor:
        """The output of one architecture; only what it uses is computed."""


@runtime_checkable
class SharingSupernet(Supernet, Protocol):
    """A supernet that computes what several architectures have in common only once."""

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        """The outputs of the architectures on the same input."""


def check_space(architecture: Architecture, space: SearchSpace) -> None:
    """Raise `SpaceError` if the architecture is not of a supernet's space."""
    if architecture.space != space:
        raise SpaceError(
            f"architecture: {architecture!r} is of another search space; make it with "
            "net.space.architecture(...)"
        )
