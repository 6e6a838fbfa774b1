"""The losses of a step tie, so theta has no ranks to learn from."""

from __future__ import annotations

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning
from pdas.support.metrics import is_number

MOST = 0.1  # of the losses: a tenth of the search without effect costs as much as all finalists do


def losses_tie(summary: Summary) -> RunWarning | None:
    """Whether too many losses are equal to that of another network in their step.

    Args:
        summary: of the run.
    """
    ties = summary.look.get("ties")
    if not is_number(ties) or ties <= MOST:
        return None
    return RunWarning(
        "losses tie",
        f"{ties:.0%} of the losses in a step equal that of another network, and theta learns "
        "from their ranks alone",
        "take a loss without steps or bounds, as the cross entropy in place of the error, a larger "
        "search.batch_size, or a higher precision",
    )
