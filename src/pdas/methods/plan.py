"""How a search divides its length; `pdas.searches.planning` makes the plan.

The unit of cost is a training pass of one architecture on one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

SCORED = 1 / 3  # the cost of a forward pass without a backward pass

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

    Example:
        Plan(100, 40, theta_samples=8, finalists=18, trial_passes=500.0, trial_steps=None)
    """

    steps: int
    warmup: int
    theta_samples: int
    finalists: int
    trial_passes: float
    trial_steps: int | None
