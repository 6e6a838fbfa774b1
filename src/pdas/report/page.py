"""The report of a run: one small HTML page that needs nothing beside itself.

It is built as a tree and written by the library, which escapes every text and attribute.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from pdas.nn.cell.space import is_cell
from pdas.report.convergence import plot_convergence
from pdas.report.describe import architecture_text, summarise
from pdas.report.drawing import draw_cells
from pdas.report.reader import Summary, read_summary

_STYLE = """
body { max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; color: #30343b;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .6rem; }
.note { color: #6b727d; margin-top: .2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid #e4e7eb;
         vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 400; color: #6b727d; }
pre { background: #f3f4f6; padding: 1rem; border-radius: 6px; overflow-x: auto;
      font-size: .85rem; }
img { max-width: 100%; }
"""


def write_report(run_dir: str | PathLike[str]) -> Path:
    """Write the `report.html` of a run, with whatever it has so far, and return the path.

    The pictures are drawn anew, into `cells.png` and `convergence.png`.
    Raises RunError if the directory is not a run or one of its files is damaged.
    """
    summary = read_summary(run_dir)
    path = summary.run.path / "report.html"
    text = tostring(_page(summary), encoding="unicode", method="html")
    path.write_text(f"<!DOCTYPE html>\n{text}\n", encoding="utf-8", errors="backslashreplace")
    return path


def _page(summary: Summary) -> Element:
    run = summary.run
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", f"{run.name} - PDAS")
    _add(head, "style", _STYLE)
    body = SubElement(html, "body")
    _add(body, "h1", run.name)
    if description := summary.recipe.get("description"):
        _add(body, "p", str(description)).set("class", "note")
    _add_table(body, summarise(summary))
    _add_retrainings(body, summary.results)
    _add_architecture(body, summary)
    if all((run.path / name).exists() for name in ("theta.npz", "metrics.csv")):
        _add(body, "h2", "Search")
        _add_picture(body, plot_convergence(run.path), "Convergence, learning rate and losses")
    for title, settings in (
        ("Settings", {**summary.recipe, **summary.others}),
        ("Versions and hardware", summary.environment),
    ):
        if settings:
            _add(body, "h2", title)
            _add_table(body, _flatten(settings))
    return html


def _add_retrainings(body: Element, results: Mapping[str, Mapping[str, object]]) -> None:
    """A row for each retraining, a column for each plain value in some `result.json`."""
    columns = [
        key
        for key in dict.fromkeys(key for result in results.values() for key in result)
        if not any(isinstance(result.get(key), Mapping | list) for result in results.values())
    ]
    if results:
        _add(body, "h2", "Retrained networks")
        rows = [
            (name, *(_text(result.get(key)) for key in columns)) for name, result in results.items()
        ]
        _add_table(body, rows, ["", *map(_heading, columns)])


def _heading(key: str) -> str:
    return {"test_error": "test error, %", "params": "weights"}.get(key, key.replace("_", " "))


def _add_architecture(body: Element, summary: Summary) -> None:
    if not summary.architecture:
        return
    _add(body, "h2", "Architecture")
    if is_cell(summary.architecture):
        _add_picture(body, draw_cells(summary.run.path), "The normal and the reduction cell")
    _add(body, "pre", architecture_text(summary.architecture))


def _add(parent: Element, tag: str, text: str) -> Element:
    element = SubElement(parent, tag)
    element.text = text
    return element


def _add_picture(parent: Element, path: Path, description: str) -> None:
    data = b64encode(path.read_bytes()).decode("ascii")
    SubElement(parent, "img", src=f"data:image/png;base64,{data}", alt=description)


def _add_table(
    parent: Element, rows: Iterable[Sequence[str]], headings: Sequence[str] = ()
) -> None:
    """A table whose first column names the row."""
    table = SubElement(SubElement(parent, "div", {"class": "scroll"}), "table")
    if headings:
        line = SubElement(SubElement(table, "thead"), "tr")
        for heading in headings:
            _add(line, "th", heading)
    body = SubElement(table, "tbody")
    for label, *values in rows:
        line = SubElement(body, "tr")
        _add(line, "th", label)
        for value in values:
            _add(line, "td", value)


def _flatten(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as rows, `search.epochs` and so on."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: object) -> str:
    """A value for people: grouped digits, four places, lists in a line."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    return str(value)
