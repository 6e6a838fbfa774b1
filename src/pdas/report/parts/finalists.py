"""The finalists of a search, as a table of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_table
from pdas.report.values import value_text
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.metrics import is_number

FILE = "finalists.json"
_HEADINGS = ("rank", "loss, trained", "steps", "loss, shared weights", "other choices")


def add_finalists(body: Element, run: Run) -> None:
    """Add a table of the finalists, the best first, if there were any.

    Args:
        body: of the page.
        run: of which `finalists.json` is read.

    Raises:
        RunError: the file is damaged.
    """
    if not run.has(FILE):
        return
    finalists = run.read(FILE, _parse)
    add(body, "h2", "Finalists")
    note = "Compared at the end on the half that theta learns from; the first is what was found."
    add(body, "p", note).set("class", "note")
    add_table(body, _rows(finalists), _HEADINGS)


def _parse(path: Path) -> list[Mapping[str, object]]:
    finalists = parse_json(path).get("finalists")
    if not isinstance(finalists, list) or not all(map(_is_finalist, finalists)):
        raise ValueError("it holds no list of finalists")
    return finalists


def _is_finalist(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("architecture"), Mapping)


def _rows(finalists: Sequence[Mapping[str, object]]) -> list[tuple[str, ...]]:
    return [
        (
            str(rank),
            _trained_loss(finalist),
            value_text(finalist.get("steps")),
            _loss(finalist.get("shared_loss")),
            _differences(finalists[0], finalist),
        )
        for rank, finalist in enumerate(finalists, start=1)
    ]


def _trained_loss(finalist: Mapping[str, object]) -> str:
    """Nothing for one that was not trained; a loss that was not finite is null in the file."""
    return (_loss(finalist.get("loss")) or "diverged") if finalist.get("steps") else ""


def _loss(value: object) -> str:
    return f"{value:.4f}" if is_number(value) else ""


def _differences(first: Mapping[str, object], other: Mapping[str, object]) -> str:
    """How many choices differ from those of the first, of all."""
    one, another = first["architecture"], other["architecture"]
    assert isinstance(one, Mapping) and isinstance(another, Mapping)
    return f"{sum(one[name] != another.get(name) for name in one)} of {len(one)}"
