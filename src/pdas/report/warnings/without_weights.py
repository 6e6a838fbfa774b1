"""Operations without weights have taken over: the known collapse of one-shot search.

They need no training, so they look good while the shared weights are poor.
Zela et al., "Understanding and Robustifying Differentiable Architecture Search", ICLR 2020.
"""

from __future__ import annotations

import numpy as np

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning

FALSE_ALARM = 0.01  # of architectures that are drawn uniformly


def without_weights(summary: Summary) -> RunWarning | None:
    """Whether more choices fell on what has no weights than is usual for a random architecture.

    Counted are the variables that decide between what has weights and what has none. In a random
    architecture each falls on the latter by the share of such categories.

    Args:
        summary: of the run.
    """
    table = summary.look.get("without_weights")
    if not table or not summary.architecture:
        return None
    shares = [len(each["labels"]) / each["of"] for each in table.values()]
    count = sum(summary.architecture[name] in each["labels"] for name, each in table.items())
    if _at_least(count, shares) > FALSE_ALARM:
        return None
    return RunWarning(
        "operations without weights have taken over",
        f"{count} of {len(shares)} choices fell on one, where {sum(shares):.1f} is usual for a "
        "random architecture",
        "compare with random ones (--control 5), begin theta later (search.warmup=0.4), or "
        "compare trained finalists (search.finalists=8, search.finalists_share=0.3)",
    )


def _at_least(count: int, shares: list[float]) -> float:
    """The probability that at least so many of independent events with these chances happen."""
    exactly = np.ones(1)  # by the number of events
    for share in shares:
        exactly = np.convolve(exactly, [1 - share, share])
    return float(exactly[count:].sum())
