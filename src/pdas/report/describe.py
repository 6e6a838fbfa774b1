"""A run in words: its architecture as text, and the few figures that matter."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from textwrap import shorten

from pdas.report.reader import Summary, read_summary
from pdas.report.results import Rows, result_rows
from pdas.spaces.base import family_of, labels_text
from pdas.support.metrics import is_number


def summary_rows(run_dir: str | PathLike[str]) -> Rows:
    """What a run came to, as (label, value); a row whose figures are not there is left out.

    Raises RunError if the directory is not a run or one of its files is damaged.
    """
    return summarise(read_summary(run_dir))


def summarise(summary: Summary) -> Rows:
    """`summary_rows` of a run that has been read."""
    rows = [("method", method(summary))]
    if not summary.architecture and summary.run.stage == "search":
        rows.append(("state", "the search did not finish"))
    rows += result_rows(summary)
    if is_number(seconds := summary.search.get("seconds")):
        rows.append(("search time", duration(seconds)))
    if is_number(convergence := summary.search.get("convergence")):
        rows.append(("convergence", f"{convergence:.3f}"))
    return rows + _architecture_rows(summary.architecture)


def method(summary: Summary) -> str:
    """The method of the search, as `search.json` or else the recipe says it."""
    settings = summary.recipe.get("search")
    planned = settings.get("method") if isinstance(settings, Mapping) else None
    return str(summary.search.get("method") or planned or "unknown")


def architecture_text(architecture: Mapping[str, object]) -> str:
    """An architecture in lines: as its family tells it, or else its labels."""
    family = family_of(architecture)
    return labels_text(architecture) if family is None else family.text(architecture)


def duration(seconds: float) -> str:
    """A time in one or two units, such as "20 min 44 s"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _architecture_rows(architecture: Mapping[str, object]) -> Rows:
    family = family_of(architecture)
    if family is not None and (rows := family.rows(architecture)):
        return rows
    text = ", ".join(f"{name} = {label}" for name, label in architecture.items())
    return [("architecture", shorten(text, 100))] if text else []
