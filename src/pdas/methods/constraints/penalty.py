"""A penalty on the cost of an architecture, added to its loss.

Penalised(PDAS(space), Penalty(cost, target=2e6, weight=0.1))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdas.cost import Cost
from pdas.methods.constraints.wrapper import Wrapper, check_cost, is_finite
from pdas.methods.optimizer import Optimizer, checked_losses
from pdas.space import Architecture, check_space
from pdas.support.errors import SettingError


@dataclass(frozen=True)
class Penalty:
    """Adds `weight` times the share by which the cost exceeds `target` to the loss.

    cost, target: of one unit; an architecture of at most `target` > 0 has no penalty.
    weight: > 0, in the unit of the loss: the penalty of a cost of twice the target.

    Raises SettingError if that is not so.
    """

    cost: Cost
    target: float
    weight: float

    def __post_init__(self) -> None:
        check_cost("penalty", self.cost)
        for name, value, unit in (
            ("target", self.target, "cost"),
            ("weight", self.weight, "loss"),
        ):
            if not is_finite(value) or not value > 0:
                raise SettingError(
                    f"penalty.{name}: found {value!r}, expected a finite number above 0; give one "
                    f"in the unit of the {unit}"
                )

    def __call__(self, architecture: Architecture) -> float:
        """weight * max(cost / target - 1, 0)."""
        return self.weight * max(self.cost(architecture) / self.target - 1, 0.0)


class Penalised(Wrapper[Optimizer]):
    """An optimizer that is told losses with a penalty on the cost; all else is as it was.

    Attributes: `optimizer`, the wrapped one; `penalty`. Raises SpaceError if the cost is of another
    space.
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
        """Tell the wrapped optimizer the losses with the penalty of each architecture added."""
        _, values = checked_losses(self.space, architectures, losses)
        penalties = [self.penalty(architecture) for architecture in architectures]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is passed over
            penalised = values + np.array(penalties)
        self.optimizer.tell(architectures, penalised, active)
