"""A penalty on the cost of an architecture, added to its loss.

Penalised(PDAS(space), Penalty(cost, target=2e6, weight=0.1))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.cost import Cost
from pdas.cost.base import fingerprint
from pdas.methods.constraints.wrapper import Wrapper, check_cost
from pdas.methods.optimizer import Optimizer, checked_losses
from pdas.space import Architecture, check_space
from pdas.support.refusals import check_positive


@dataclass(frozen=True)
class Penalty:
    """Adds `weight` times the share by which the cost exceeds `target` to the loss.

    Args:
        cost: of an architecture.
        target: > 0, in the unit of the cost; an architecture of at most this has no penalty.
        weight: > 0, in the unit of the loss: the penalty of a cost of twice the target.

    Raises:
        SettingError: if `cost` is none or a number is out of range.

    Example:
        >>> from pdas.cost import ProductCost
        >>> from pdas.space import SearchSpace
        >>> space = SearchSpace({"width": [64, 128, 256]})
        >>> cost = ProductCost.from_table(space, {"width": {64: 1.0, 128: 2.0, 256: 4.0}})
        >>> Penalty(cost, target=2.0, weight=0.1)(space.architecture({"width": 256}))
        0.1
    """

    cost: Cost
    target: float
    weight: float

    def __post_init__(self) -> None:
        check_cost("penalty.cost", self.cost)
        check_positive("penalty.target", self.target, "give one in the unit of the cost")
        check_positive("penalty.weight", self.weight, "give one in the unit of the loss")

    def __call__(self, architecture: Architecture) -> float:
        """weight * max(cost / target - 1, 0), in the unit of the loss.

        Args:
            architecture: of the space of the cost.

        Raises:
            SpaceError: if it is of another space.
        """
        return self.weight * max(self.cost(architecture) / self.target - 1, 0.0)


class Penalised(Wrapper):
    """An optimizer that is told losses with a penalty on the cost; all else is as it was.

    Args:
        optimizer: any optimizer.
        penalty: what is added to its losses.

    Attributes:
        optimizer: the wrapped one.
        penalty: what is added.

    Raises:
        SpaceError: if the cost is of another space.

    Example:
        Penalised(PDAS(space), Penalty(cost, target=2e6, weight=0.1))
    """

    def __init__(self, optimizer: Optimizer, penalty: Penalty) -> None:
        super().__init__(optimizer)
        check_space("penalty.cost", penalty.cost, optimizer.space)
        self.penalty = penalty

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Tell the wrapped optimizer the losses with the penalty of each architecture added.

        Args:
            architectures: of this space.
            losses: shape (lambda,); a loss that is not finite stays so.
            active: bool, shape (lambda, D), or None for all.

        Raises:
            PdasError: as the wrapped optimizer.
        """
        _, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        penalties = [self.penalty(architecture) for architecture in architectures]
        with np.errstate(over="ignore", invalid="ignore"):  # a loss may be infinite or NaN
            penalised = values + np.array(penalties)
        self.optimizer.tell(architectures, penalised, active)

    def made_with(self) -> dict[str, Any]:
        """That of the wrapped optimizer, and the penalty."""
        penalty = self.penalty
        text = f"{penalty.weight!r} above {penalty.target!r}, costs {fingerprint(penalty.cost)}"
        return {**super().made_with(), "penalty": text}
