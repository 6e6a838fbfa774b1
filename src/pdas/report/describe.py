"""A run in words: its architecture as text, and the few figures that matter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from textwrap import shorten
from typing import Literal

from pdas.report.advice import next_step
from pdas.report.parts.controls import control_rows
from pdas.report.reader import Summary
from pdas.report.results import Rows, result_rows
from pdas.report.values import duration
from pdas.space.decided import NOTHING_LEARNED
from pdas.spaces.base import family_of, labels_text
from pdas.support.metrics import is_number, numbers

_OTHERS = ("seed", "seconds", "steps")  # numbers in `search.json` that the method does not measure


Part = Literal["state", "damage", "results", "controls", "search", "architecture", "next"]


def summarise(summary: Summary, *, without: Collection[Part] = ()) -> Rows:
    """The results of a run, as (label, value); a row whose figures are missing is left out.

    Args:
        summary: of the run, read leniently. A damaged file in it is a row.
        without: parts that are said elsewhere.
    """
    is_search = summary.run.stage == "search"
    parts: dict[Part, Rows] = {
        "state": [("method", method(summary))],
        "damage": [("damaged", line) for line in summary.damage],
        "results": result_rows(summary),
        "controls": control_rows(summary),
        "search": _search_rows(summary.search),
        "architecture": architecture_rows(summary.architecture),
        "next": [("next", next_step(summary))] if is_search else [],
    }
    if not summary.architecture and is_search:
        parts["state"].append(("state", "the search did not finish"))
    if summary.nothing_learned:
        parts["architecture"] = [("architecture", NOTHING_LEARNED)]
    return [row for part, rows in parts.items() if part not in without for row in rows]


def method(summary: Summary) -> str:
    """The name of the method of the search, from `search.json` or else from the recipe.

    Args:
        summary: of the run.
    """
    settings = summary.recipe.get("search")
    planned = settings.get("method") if isinstance(settings, Mapping) else None
    if isinstance(planned, Mapping):  # with settings of its own
        planned = planned.get("name")
    return str(summary.search.get("method") or planned or "unknown")


def _search_rows(search: Mapping[str, object]) -> Rows:
    """The time of a search, and where its method stood in the end."""
    rows = []
    if is_number(seconds := search.get("seconds")):
        rows.append(("search time", duration(seconds)))
    if reason := search.get("stopped"):
        rows.append(("search ended early", f"{reason}, after step {search.get('steps')}"))
    measured = {key: value for key, value in search.items() if key not in _OTHERS}
    return rows + [(metric.label, metric.text(value)) for metric, value in numbers(measured, ())]


def architecture_text(architecture: Mapping[str, object]) -> str:
    """An architecture in lines: as its family describes it, or else its labels.

    Args:
        architecture: the labels.
    """
    family = family_of(architecture)
    return labels_text(architecture) if family is None else family.text(architecture)


def architecture_rows(architecture: Mapping[str, object]) -> Rows:
    """An architecture in few words: as its family describes it, or else its labels.

    Args:
        architecture: the labels.
    """
    family = family_of(architecture)
    if family is not None and (rows := family.rows(architecture)):
        return rows
    text = ", ".join(f"{name} = {label}" for name, label in architecture.items())
    return [("architecture", shorten(text, 100))] if text else []
