"""The two halves of the data are not of one kind."""

from __future__ import annotations

import math

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning, tail

# Of a search whose halves are random halves of one data set, over all that is compared.
FALSE_ALARM = 1e-4


def halves_differ(summary: Summary) -> RunWarning | None:
    """Whether D_W and D_theta differ in what their batches hold.

    Of all features the one is taken that is the most standard errors apart. Its two-sided
    p-value by Student's test, times the number of features (Bonferroni), is below `FALSE_ALARM`.

    Args:
        summary: of the run.
    """
    halves = summary.look.get("halves")
    if not halves or not halves["largest"]:
        return None
    row = halves["largest"][0]
    distance = abs(row["weights"] - row["theta"])
    t = distance / row["error"] if row["error"] else math.inf
    if 2 * tail(t, halves["freedom"]) * halves["features"] > FALSE_ALARM:
        return None
    return RunWarning(
        "the halves of the data differ",
        f"{row['what']} is {row['weights']:.3g} in D_W, which trains the weights, and "
        f"{row['theta']:.3g} in D_theta, which decides about them",
        "split one shuffled data set into random halves, and augment both in the same way",
    )
