"""What the length of a search pays for: its steps, the warm-up, and the training of finalists.

Costs are counted in training passes, of one architecture on one batch. A forward pass without a
backward one counts a third. The whole is what so many steps of the paper's search would cost, each
of which trains and scores `samples` architectures.
"""

from __future__ import annotations

from dataclasses import dataclass

from pdas.searches.halving import SCORED, cost, least_steps, more_finalists, rounds, whole_steps
from pdas.searches.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.training.optimizers import total_steps

# whether the shared weights have learned is looked at by so many architectures on so many batches
CHECK_ARCHITECTURES = 8
CHECK_BATCHES = 8
CHECK = CHECK_ARCHITECTURES * CHECK_BATCHES * SCORED
MOST_FINALISTS = 100  # where none is to be trained longer; a third of their states is kept
_ROUNDING = 1e-9  # passes; thirds do not add up exactly


@dataclass(frozen=True)
class Plan:
    """How a search spends its length.

    Attributes:
        steps: that train the shared weights.
        warmup: those of them, at the beginning, in which theta stands still.
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


def plan_search(
    settings: SearchSettings,
    samples: int,
    per_epoch: int,
    theta_per_epoch: int,
    most_finalists: int = MOST_FINALISTS,
) -> Plan:
    """The plan of a search that trains `samples` architectures a step.

    Args:
        per_epoch, theta_per_epoch: batches in a pass over D_W, and over D_theta.
        most_finalists: where a search of this length could train more for `finalists_epochs`.

    Raises `SettingError` if nothing is left for theta to learn from, or too little to train a
    finalist.
    """
    whole = total_steps(settings, per_epoch) * samples * (1 + SCORED)
    trials = settings.finalists_share * whole
    scoring = 0.0 if trials else settings.finalists * theta_per_epoch * SCORED
    theta_samples = settings.theta_samples or samples
    # settings check their own samples; an optimizer that is given has others
    if theta_samples < samples:
        raise SettingError(
            f"search.theta_samples: found {theta_samples}, expected at least the {samples} that "
            "a step trains; raise it, or lower the optimizer's samples"
        )
    trial_steps = settings.finalists_epochs and settings.finalists_epochs * per_epoch
    finalists = settings.finalists
    if trial_steps is not None:
        most = max(finalists, most_finalists)
        finalists = more_finalists(finalists, most, trial_steps, trials, theta_per_epoch)
        if finalists == most:  # the steps get what is left
            trials = min(trials, cost(rounds(most), trial_steps, theta_per_epoch))
    _check_trials(settings, finalists, trials, trial_steps, theta_per_epoch)
    left = whole - trials - scoring - (CHECK if settings.warmup else 0.0)
    if left < samples + theta_samples * SCORED:
        raise _too_short(settings, left, whole)
    steps, warmup = _steps(settings.warmup, left, samples, theta_samples)
    if warmup >= steps:
        raise SettingError(
            f"search.warmup: found {settings.warmup:g}, which is all of {steps} steps, expected to "
            "leave some in which theta learns; lower it, or make the search longer"
        )
    return Plan(steps, warmup, theta_samples, finalists, trials, trial_steps)


def _too_short(settings: SearchSettings, left: float, whole: float) -> SettingError:
    leave = f"leave {max(left, 0):.0f} of {whole:.0f} training passes, expected enough for a step"
    if settings.finalists:
        return SettingError(
            f"search.finalists: found {settings.finalists}, whose scoring and training {leave}; "
            "make the search longer, or lower search.finalists or search.finalists_share"
        )
    return SettingError(
        f"search.warmup: found {settings.warmup:g}, with a look at the weights after it that would "
        f"{leave}; make the search longer, or set it to 0"
    )


def _check_trials(
    settings: SearchSettings,
    finalists: int,
    passes: float,
    most: int | None,
    theta_per_epoch: int,
) -> None:
    """Raise `SettingError` if some finalist would not be trained for a single step."""
    if not passes:
        return
    sizes, least = rounds(finalists), least_steps(finalists)
    found = whole_steps(sizes, passes, theta_per_epoch, most)
    if found < least and found == most:
        raise SettingError(
            f"search.finalists_epochs: found {settings.finalists_epochs}, which is {most} steps, "
            f"expected at least {least} for the rounds of {finalists} finalists; raise it, or "
            "lower search.finalists"
        )
    if found < least:
        raise SettingError(
            f"search.finalists_share: found {settings.finalists_share}, which is {passes:.0f} "
            f"training passes for {finalists} finalists, of which the last {sizes[-1]} would be "
            f"trained for {found} steps, expected at least {least}; raise it, make the "
            "search longer, or lower search.finalists"
        )


def _steps(warmup: float, passes: float, samples: int, theta_samples: int) -> tuple[int, int]:
    """Steps that so many passes pay for, and those of them that are warm-up."""
    theta = theta_samples * SCORED  # passes of a step for theta
    if warmup < 1:  # a share of the steps, which is rounded: begin above, and go down until it fits
        steps = int((passes + theta) / (samples + (1 - warmup) * theta))
        while steps * samples + (steps - round(warmup * steps)) * theta > passes + _ROUNDING:
            steps -= 1
        return steps, round(warmup * steps)
    most = int(passes / samples + _ROUNDING)  # if all steps are warm-up, which the caller refuses
    rest = passes - warmup * samples
    return min(int(warmup + rest / (samples + theta) + _ROUNDING), most), int(warmup)
