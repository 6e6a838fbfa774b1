"""What every cost is, and any function as a cost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

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
        error: how far it is off on average, as a share, where that was measured.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> FunctionCost(space, lambda a: 9 * a["width"])(space.architecture([0, 1]))
        1152.0
    """

    space: SearchSpace
    function: Callable[[Architecture], float] = field(repr=False)
    error: float | None = None

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


def fingerprint(cost: Cost) -> str:
    """A text that tells costs apart, by 16 architectures, to 9 digits.

    Args:
        cost: of the architectures of a space.

    Returns:
        12 hexadecimal digits.
    """
    rng = np.random.default_rng(0)
    texts = (f"{cost(cost.space.uniform(rng)):.9g}" for _ in range(16))
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()[:12]
