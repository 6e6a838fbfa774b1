"""The found architecture is not the best of the most probable ones on D_theta."""

from __future__ import annotations

import math

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning, finalists_were_trained, tail

FALSE_ALARM = 0.01  # of a search whose top ten are equally good


def not_the_best(summary: Summary) -> RunWarning | None:
    """Whether another of the top ten is better with the shared weights, beyond paired noise.

    All have the same batches. The p-value of the best of them by Student's paired test, times the
    number of the others (Bonferroni), is below `FALSE_ALARM`. Nothing is said where finalists were
    trained by themselves, which judges better than shared weights do.

    Args:
        summary: of the run.
    """
    rows = summary.look.get("top") or []
    others = [row for row in rows if not row["found"]]
    if not others or finalists_were_trained(summary):
        return None
    best = max(others, key=_standard_errors)
    if best["batches"] < 2:  # which leaves no way to tell
        return None
    if tail(_standard_errors(best), best["batches"] - 1) * len(others) > FALSE_ALARM:
        return None
    found = next(row for row in rows if row["found"])
    return RunWarning(
        "not the best of the top ten",
        f"with the shared weights another has a loss of {best['loss']:.3g} on D_theta, the found "
        f"one {found['loss']:.3g} (gain {best['gain']:.2g} ± {best['error']:.2g})",
        "compare finalists at the end of the search (search.finalists=8), or search longer",
    )


def _standard_errors(row: dict[str, float]) -> float:
    """By how many standard errors a network is better than the found one; some are the same."""
    if row["error"]:
        return row["gain"] / row["error"]
    return math.inf if row["gain"] > 0 else -math.inf
