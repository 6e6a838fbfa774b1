"""eta, the learning rate of theta, stands at its floor: where pure noise leaves it."""

from __future__ import annotations

from pdas.methods.pdas.eta import eta_of_noise
from pdas.report.reader import Summary, read_metrics, read_theta
from pdas.report.warnings.base import RunWarning, setting
from pdas.support.metrics import is_number

# In simulations of 900 to 5,000 steps it was at most 1.4 of that of noise where losses were noise,
# and at least 2.0 where a choice moved a loss by 0.3 of its noise.
FLOOR = 1.5
EARLY = 0.25  # of the steps in which theta learns: after that it never rises above the floor
FALLEN = 0.5  # of its start: before noise has brought eta there, nothing can be told
DECIDED = 0.9  # a theta as decided as that has little left to learn


def eta_at_its_floor(summary: Summary) -> RunWarning | None:
    """Whether eta went from early on as it goes where losses say nothing about architectures.

    Equation (13) has no floor by itself. Pure noise brings eta down by a known course, and where
    the losses of a step agree with those before, eta stands above it.

    Args:
        summary: of the run.
    """
    method = setting(summary, "search", "method")
    decided = summary.search.get("decided")
    if setting(summary, "search", "method", "eta") != "adaptive" or not is_number(decided):
        return None
    columns, history = read_metrics(summary.run), read_theta(summary.run).history
    still = (history.theta == history.theta[0]).all(axis=1)
    begin = int(history.steps[: int(still.argmin())].max(initial=0))  # the end of a warm-up
    steps = columns["step"].astype(int) - begin
    if decided >= DECIDED or steps[-1] < 1:
        return None
    start = method["eta_scale"] * int((history.sizes - 1).sum()) ** -0.5
    noise = eta_of_noise(start, method["alpha"], int(steps[-1]))
    late = steps >= max(EARLY * steps[-1], 1)
    if noise[-1] > FALLEN * start or not late.any():
        return None
    ratio = columns["eta"][late] / noise[steps[late] - 1]
    if not (ratio <= FLOOR).all():
        return None
    first = int(columns["step"][late][0])
    return RunWarning(
        "eta is at its floor",
        f"from step {first:,} of {begin + int(steps[-1]):,} on it is at most {ratio.max():.1f} "
        f"times as large as pure noise leaves it ({columns['eta'][-1]:.2g} of {start:.2g} in "
        "the end)",
        "make the losses of a step say more: a larger search.batch_size, more "
        "search.theta_samples, or a theta that begins later (search.warmup=0.4)",
    )
