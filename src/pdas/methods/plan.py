"""How a search spends its length; `pdas.searches.plan` makes the plan.

Costs are counted in training passes, of one architecture on one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

SCORED = 1 / 3  # training passes of a forward pass without a backward one

# whether the shared weights have learned is checked with so many architectures on so many batches
CHECK_ARCHITECTURES = 8
CHECK_BATCHES = 8
CHECK = CHECK_ARCHITECTURES * CHECK_BATCHES * SCORED


@dataclass(frozen=True)
class Plan:
    """How a search spends its length.

    Attributes:
        steps: that train the shared weights.
        warmup: those of them, at the beginning, in which theta does not change.
        theta_samples: architectures that theta learns from in each of the others.
        finalists: that are compared at the end.
        trial_passes: training passes for finalists that are trained by themselves.
        trial_steps: most steps of the training of one; None: as many as can be paid.
    """

    steps: int
    warmup: int
    theta_samples: int
    finalists: int
    trial_passes: float
    trial_steps: int | None
