"""Finalists: architectures that are compared at the end of a search, and how they are ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError
from pdas.support.refusals import refuse


@dataclass(frozen=True)
class Finalist:
    """An architecture that was compared at the end of a search.

    Attributes:
        shared_loss: on D_theta, by the shared weights; None if it was to be trained.
        loss: on D_theta after a training of its own, which may be infinite; None without one.
        steps: of that training.
        penalty: of its cost, which is added to the loss where finalists are ranked.
    """

    architecture: Architecture
    shared_loss: float | None = None
    loss: float | None = None
    steps: int = 0
    penalty: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For people and for JSON, with labels; a loss that is not a finite number is null."""
        return {
            "architecture": self.architecture.to_dict(),
            "shared_loss": _finite(self.shared_loss),
            "loss": _finite(self.loss),
            "steps": self.steps,
            "penalty": self.penalty,
        }

    def to_plain(self) -> dict[str, Any]:
        """As plain data, with the category indices of the architecture."""
        indices = self.architecture.indices.tolist()
        return {"indices": indices, **{name: getattr(self, name) for name in _MEASURED}}

    @classmethod
    def of_plain(cls, space: SearchSpace, plain: dict[str, Any]) -> Finalist:
        """What `to_plain` was made of."""
        measured = {name: plain[name] for name in _MEASURED}
        return cls(space.architecture(plain["indices"]), **measured)


_MEASURED = ("shared_loss", "loss", "steps", "penalty")


def best_first(finalists: Sequence[Finalist]) -> list[Finalist]:
    """Those that were trained longest before the others, and of these the one of the least loss.

    Raises:
        NonFiniteLossError: none has a finite loss.
    """
    ranked = sorted(finalists, key=place)
    if not math.isfinite(_loss(ranked[0])):
        refuse(
            NonFiniteLossError,
            "search.finalists",
            found=f"no finite loss of any of {len(ranked)} finalists",
            expected="one",
            remedy="lower search.optimizer.learning_rate",
        )
    return ranked


def place(finalist: Finalist) -> tuple[bool, int, float]:
    """Its place: a finite loss first, then the longest training, then the least loss."""
    loss = _loss(finalist)
    return not math.isfinite(loss), -finalist.steps, loss


def _loss(finalist: Finalist) -> float:
    """What finalists are ranked by, infinite if it is not known or no number."""
    loss = finalist.loss if finalist.steps else finalist.shared_loss
    return math.inf if loss is None or math.isnan(loss) else loss + finalist.penalty


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None
