"""The search ended before theta was decided."""

from __future__ import annotations

import math

from pdas.report.reader import Summary, read_metrics
from pdas.report.warnings.base import RunWarning, setting
from pdas.support.metrics import is_number
from pdas.training.forecast import FEWEST, steps_until

CONVERGED = 0.5  # a share of theta below that is far from an architecture
FARTHEST = 10  # times the length of the search: no trend reaches as far


def not_converged(summary: Summary) -> RunWarning | None:
    """Whether theta is decided by less than half, and how many steps more that takes.

    Args:
        summary: of the run.
    """
    decided = summary.search.get("decided")
    if not is_number(decided) or not decided < CONVERGED or summary.nothing_learned:
        return None
    return RunWarning(
        "not converged", f"theta is decided by {decided:.2f} only, of 1", _longer(summary)
    )


def _longer(summary: Summary) -> str:
    """What to do, by the trend of the second half of the search."""
    if not summary.run.has("metrics.csv"):
        return "search longer"
    columns = read_metrics(summary.run)
    if "decided" not in columns or not len(columns["step"]):
        return "search longer"
    done = int(columns["step"][-1])
    late = columns["step"] > done / 2
    if late.sum() < FEWEST:
        return "search longer"
    most = FARTHEST * done
    found = steps_until(CONVERGED, columns["step"][late], columns["decided"][late], most)
    if found >= most:
        return (
            "take a larger search.batch_size or more search.theta_samples: by the trend of the "
            f"second half, {FARTHEST} times the steps would not decide it"
        )
    more = _rounded(max(found, 1))
    named = {name: setting(summary, "search", name) for name in ("steps", "epochs")}
    name, planned = next((each for each in named.items() if is_number(each[1])), ("steps", done))
    return (
        f"search about {more:,} steps more, by the trend of the second half: "
        f"search.{name}={math.ceil(planned * (done + more) / done)}"
    )


def _rounded(steps: float) -> int:
    """Upwards to two digits, since a trend is no more exact."""
    unit: int = 10 ** max(len(str(math.ceil(steps))) - 2, 0)
    return math.ceil(steps / unit) * unit
