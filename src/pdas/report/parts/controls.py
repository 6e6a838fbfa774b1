"""Whether what was found is better than random: a line, and a table of what was compared."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_table
from pdas.report.reader import Summary


def control_rows(summary: Summary) -> list[tuple[str, str]]:
    """The answer in a row; none where nothing was searched, or nothing is retrained yet.

    Args:
        summary: of the run.
    """
    if summary.against_random is not None:
        answer = summary.against_random.text()
    elif summary.has_controls:
        answer = "not known: the controls had other settings than what is retrained"
    elif summary.results and _is_searched(summary) and not summary.is_own_network:
        answer = "not known: no control was run; add --control 5 --resume to `pdas run`"
    else:
        return []
    return [("better than random", answer)]


def add_controls(body: Element, summary: Summary) -> None:
    """Add a table of the retrainings that were compared, if there are controls.

    Args:
        body: of the page.
        summary: of the run.
    """
    against = summary.against_random
    if against is None:
        return
    add(body, "h2", "Random architectures")
    note = "Drawn from the same space and retrained as the found one, on the same images."
    add(body, "p", note).set("class", "note")
    values = {**against.found, **against.controls}
    rows = [(name, against.metric.number(value)) for name, value in values.items()]
    add_table(body, rows, ["", against.metric.heading])


def _is_searched(summary: Summary) -> bool:
    """Whether the architecture comes from a search, and not from a file or a draw."""
    settings = summary.recipe.get("search")
    planned = settings.get("method") if isinstance(settings, Mapping) else None
    name = planned.get("name") if isinstance(planned, Mapping) else planned
    return bool(summary.search.get("steps")) and name == summary.search.get("method")
