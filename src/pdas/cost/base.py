"""What every cost is, and any function as a cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pdas.space import Architecture, SearchSpace, check_architecture

Quantity = Literal["parameters", "multiply_adds", "latency"]
"""What every supernet can count or measure: its costs by name."""


class Cost(Protocol):
    """A number for every architecture of a space; smaller is cheaper."""

    @property
    def space(self) -> SearchSpace:
        """The space whose architectures have this cost."""
        ...

    def __call__(self, architecture: Architecture) -> float:
        """The cost of an architecture.

        Raises:
            SpaceError: if it is of another space.
        """
        ...


@dataclass(frozen=True)
class FunctionCost:
    """Any function of an architecture as a cost.

    Args:
        space: whose architectures have this cost.
        function: from an architecture to its cost.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> FunctionCost(space, lambda a: 9 * a["width"])(space.architecture([0, 1]))
        1152.0
    """

    space: SearchSpace
    function: Callable[[Architecture], float] = field(repr=False)

    def __call__(self, architecture: Architecture) -> float:
        """The cost of an architecture.

        Args:
            architecture: of `space`.

        Returns:
            `function(architecture)`, in the unit of the function.

        Raises:
            SpaceError: if the architecture is of another space.
        """
        check_architecture("cost", architecture, self.space)
        return float(self.function(architecture))
