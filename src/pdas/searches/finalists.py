"""Finalists: the architectures that a search compares at its end, and their ranking."""

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
        architecture: the finalist.
        shared_loss: its loss on D_theta with the shared weights; None where it is to be trained.
        loss: its loss on D_theta after a separate training, which may be infinite; None without
            such a training.
        steps: of that training.
        penalty: of its cost. It is added to the loss for the ranking.

    Example:
        Finalist(architecture, loss=0.31, steps=200).to_json()
    """

    architecture: Architecture
    shared_loss: float | None = None
    loss: float | None = None
    steps: int = 0
    penalty: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The content for JSON, with labels; a loss that is not finite is null."""
        return {
            "architecture": self.architecture.to_dict(),
            "shared_loss": _finite(self.shared_loss),
            "loss": _finite(self.loss),
            "steps": self.steps,
            "penalty": self.penalty,
        }

    def to_plain(self) -> dict[str, Any]:
        """The content for a checkpoint, with the category indices of the architecture."""
        indices = self.architecture.indices.tolist()
        return {"indices": indices, **{name: getattr(self, name) for name in _MEASURED}}

    @classmethod
    def of_plain(cls, space: SearchSpace, plain: dict[str, Any]) -> Finalist:
        """The inverse of `to_plain`."""
        measured = {name: plain[name] for name in _MEASURED}
        return cls(space.architecture(plain["indices"]), **measured)


_MEASURED = ("shared_loss", "loss", "steps", "penalty")


def best_first(finalists: Sequence[Finalist]) -> list[Finalist]:
    """The finalists in order: the longest training first, then the smallest loss.

    Raises:
        NonFiniteLossError: none has a finite loss.
    """
    ranked = sorted(finalists, key=rank_key)
    if not has_finite_loss(ranked[0]):
        refuse(
            NonFiniteLossError,
            "search.finalists",
            found=f"no finite loss of any of {len(ranked)} finalists",
            expected="one",
            remedy="lower search.optimizer.learning_rate",
        )
    return ranked


def is_measured(finalist: Finalist) -> bool:
    """Whether it has a loss, of whatever kind, even an infinite one."""
    return finalist.loss is not None or finalist.shared_loss is not None


def has_finite_loss(finalist: Finalist) -> bool:
    """Whether it has a finite loss, by which it is ranked."""
    return math.isfinite(_loss(finalist))


def rank_key(finalist: Finalist) -> tuple[bool, int, float]:
    """The key of the ranking: a finite loss first, then a long training, then a small loss."""
    loss = _loss(finalist)
    return not math.isfinite(loss), -finalist.steps, loss


def _loss(finalist: Finalist) -> float:
    """The loss for the ranking, with the penalty; infinite if it is unknown or NaN."""
    loss = finalist.loss if finalist.steps else finalist.shared_loss
    return math.inf if loss is None or math.isnan(loss) else loss + finalist.penalty


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None
