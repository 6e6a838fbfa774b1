"""Nothing was learned: neither by theta, nor by the shared weights."""

from __future__ import annotations

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning, finalists_were_trained
from pdas.space.decided import NOTHING_LEARNED

ERRORS = 2  # standard errors above chance, as theta asks for before it begins after a warm-up
NAME = "nothing learned"


def nothing_learned(summary: Summary) -> RunWarning | None:
    """Whether theta did not move, or the shared weights are no better than a constant output.

    The latter counts where they have chosen the network, and not trainings of finalists.

    Args:
        summary: of the run.
    """
    if summary.nothing_learned:
        return RunWarning(
            NAME,
            NOTHING_LEARNED.removeprefix("nothing was learned: "),
            "search again, longer, or with another loss: theta preferred no architecture to "
            "another",
        )
    chance = summary.look.get("chance")
    if not chance or finalists_were_trained(summary) or chance["gain"] > ERRORS * chance["error"]:
        return None
    return RunWarning(
        NAME,
        "with the shared weights the loss of the found network on D_theta is not below that of "
        f"the best constant output (gain {chance['gain']:.3g} ± {chance['error']:.2g})",
        "search longer, change search.optimizer.learning_rate, or see whether the targets depend "
        "on the inputs",
    )
