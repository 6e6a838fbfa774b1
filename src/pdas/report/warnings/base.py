"""What a warning is, and what several of them read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pdas.report.parts.finalists import FILE as FINALISTS
from pdas.report.reader import Summary


@dataclass(frozen=True)
class RunWarning:
    """A warning of a run.

    Attributes:
        name: in a few words, as "not converged".
        finding: what was measured.
        advice: what to do.

    Example:
        RunWarning("not converged", "theta is decided by 0.31, of 1", "search longer").text
    """

    name: str
    finding: str
    advice: str

    @property
    def text(self) -> str:
        """All of it in a line."""
        return f"{self.name}: {self.finding}; {self.advice}"


def finalists_were_trained(summary: Summary) -> bool:
    """Whether the found network was judged by a training of its own, and not by shared weights.

    Args:
        summary: of the run.

    Raises:
        RunError: the file is damaged.
    """
    if not summary.run.has(FINALISTS):
        return False
    finalists = summary.run.read_json(FINALISTS)["finalists"]
    return any(finalist["steps"] for finalist in finalists)


def setting(summary: Summary, *names: str) -> Any:
    """A setting of the recipe; None if it is not there.

    Args:
        summary: of the run.
        names: of its group, and of the setting in it.
    """
    value: Any = summary.recipe
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def tail(t: float, freedom: int) -> float:
    """The probability that Student's t is above a value.

    Args:
        t: the value.
        freedom: degrees of freedom, at least 1.
    """
    from scipy.special import stdtr  # slow to import

    return float(stdtr(freedom, -t))
