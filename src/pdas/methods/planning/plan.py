"""How a search divides its length; the method of the search makes the plan.

The unit of cost is a training pass of one architecture on one batch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from pdas.methods.settings import SearchSettings
    from pdas.training.measures import Loss

PAPER_SAMPLES = 2  # architectures that a step of the paper's search trains and scores
SCORED = 1 / 3  # the cost of a forward pass without a backward pass
ROUNDING = 1e-9  # passes; sums of thirds are not exact
MOST_FINALISTS = 100  # the states of a third of them are in memory together

# The check whether the shared weights have learned uses these numbers of architectures and batches.
CHECK_ARCHITECTURES = 8
CHECK_BATCHES = 8
CHECK = CHECK_ARCHITECTURES * CHECK_BATCHES * SCORED


@dataclass(frozen=True)
class Plan:
    """How a search divides its length.

    Attributes:
        steps: all steps, each of which trains the shared weights.
        warmup: the first of them, in which theta does not change.
        theta_samples: architectures from which theta learns in each later step.
        finalists: architectures that are compared at the end.
        trial_passes: the budget for separate trainings of finalists, in training passes.
        trial_steps: the most steps of one of these trainings; None if only the budget limits them.
        step_passes: training passes of a step, on average, without those of `theta_samples`.

    Example:
        Plan(100, 40, theta_samples=8, finalists=18, trial_passes=500.0, trial_steps=None,
             step_passes=2.0)
    """

    steps: int
    warmup: int
    theta_samples: int
    finalists: int
    trial_passes: float
    trial_steps: int | None
    step_passes: float

    def cost_until(self, step: int) -> float:
        """The training passes of the steps until one.

        Args:
            step: its number, from 1.
        """
        learning = max(step - self.warmup, 0)
        return step * self.step_passes + learning * self.theta_samples * SCORED


@dataclass(frozen=True)
class PlanRequest:
    """The search for which a method makes a plan.

    Attributes:
        settings: of the search.
        per_epoch: batches in a pass over D_W.
        theta_per_epoch: batches in a pass over D_theta.
        most_finalists: the largest number of finalists, where each is trained for
            `finalists_epochs` and the budget allows more of them.
        net: the supernet; None where only the settings are known.
        loss: of the search; None likewise.
        example: gives a batch of D_W, without taking it from the search; None likewise.

    Example:
        method.plan(PlanRequest(settings, per_epoch=100, theta_per_epoch=100)).steps
    """

    settings: SearchSettings
    per_epoch: int
    theta_per_epoch: int
    most_finalists: int = MOST_FINALISTS
    net: nn.Module | None = None
    loss: Loss | None = None
    example: Callable[[], Any] | None = None

    @property
    def budget(self) -> float:
        """What the search may cost: that of the paper's search of as many steps as are set."""
        return self.settings.total_steps(self.per_epoch) * PAPER_SAMPLES * (1 + SCORED)


def most_paid(cost: Callable[[int], float], passes: float, most: int | None = None) -> int:
    """The largest number of what costs something that a budget pays, found by bisection.

    Args:
        cost: of so many in training passes, at least one each; it rises with the number.
        passes: the budget, in training passes.
        most: an upper bound of the result.

    Returns:
        The number; 0 if the budget does not pay one.
    """
    bound = int(max(passes, 0.0)) if most is None else min(int(max(passes, 0.0)), most)
    return bisect_right(range(1, bound + 1), passes, key=cost)
