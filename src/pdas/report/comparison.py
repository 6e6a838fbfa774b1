"""The page of a comparison, one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from pdas.comparing.results import Comparison
from pdas.comparing.rows import directory_of
from pdas.comparing.table import headings, row_texts, sentences, value_text
from pdas.report.html.elements import add, add_folded, add_table, add_text
from pdas.report.html.page import begin_page, write_page
from pdas.report.several.agreement import add_agreement, agreement, agreement_text
from pdas.report.several.column import Column, read_column
from pdas.report.several.curves import add_curves
from pdas.report.several.drawings import add_drawings
from pdas.report.several.figures import link
from pdas.report.values import flattened

_DRAWN = 4  # architectures of a row


def write_comparison(done: Comparison) -> Path:
    """Write the `report.html` of a comparison.

    Args:
        done: the comparison.

    Returns:
        The path of the page.

    Raises:
        RunError: it cannot be written.
    """
    name = done.path.resolve().name
    html, body = begin_page(name)
    add(body, "h1", name)
    if description := done.record.recipe.get("description"):
        add(body, "p", str(description)).set("class", "note")
    settled, *notes = sentences(done)
    add_text(body, "p", " ".join(_answer(done, settled))).set("class", "answer")
    _add_rows(body, done)
    for note in notes:
        add(body, "p", note).set("class", "note")
    _add_quoted(body, done)
    path = done.path / "report.html"
    runs = {row.name: _columns(done, row.name) for row in done.rows}
    _add_seeds(body, done, path)
    _add_missing(body, done, runs)
    _add_architectures(body, runs)
    kinds = {column.name: name for name, columns in runs.items() for column in columns}
    add_curves(body, [column for columns in runs.values() for column in columns], kinds)
    settings = add_folded(body, "Settings of all methods")
    add_table(settings, flattened(done.record.recipe).items())
    write_page(html, path)
    return path


def _answer(done: Comparison, settled: str) -> Iterator[str]:
    """The best mean, what is settled, and what to do next."""
    first = done.rows[0]
    if first.mean is not None:
        label, unit = done.metric.label, done.metric.unit
        value = f"{value_text(done, first)} {unit}".rstrip()
        yield f"Of {len(done.rows)} methods {first.name} has the best mean {label}, {value}."
    yield settled
    if any(len(row.values) < len(row.asked.seeds) for row in done.rows):
        yield "Next: give the same command again; it continues what is not finished."
    elif any(row.difference and row.difference.is_better is None for row in done.rows):
        yield "Next: more seeds, by the same command with a larger `--seeds`; what is done is kept."


def _columns(done: Comparison, name: str) -> list[Column]:
    """The runs of a row, as far as they are."""
    row = done.path / directory_of(name)
    seeds = done.record.rows[name].seeds
    return [read_column(f"{name}, seed {seed}", row / f"seed-{seed}") for seed in seeds]


def _add_missing(body: Element, done: Comparison, runs: Mapping[str, Sequence[Column]]) -> None:
    """What failed, and what else is not whole."""
    failed = {f"{row}, seed {seed}": why for (row, seed), why in done.failed.items()}
    lacking = {
        column.name: " ".join(column.missing)
        for columns in runs.values()
        for column in columns
        if column.missing
    }
    if rows := {**lacking, **failed}:
        add(body, "h2", "What is missing")
        for line in add_table(body, rows.items(), ["run", "what"]).findall("tbody/tr"):
            line[1].set("class", "missing")


def _add_architectures(body: Element, runs: Mapping[str, Sequence[Column]]) -> None:
    """Those of each row side by side, and how far they agree."""
    if not any(column.architecture for columns in runs.values() for column in columns):
        return
    add(body, "h2", "Architectures")
    for number, (name, columns) in enumerate(runs.items()):
        add(body, "h3", name)
        add_drawings(body, columns, f"row-{number}", _DRAWN)
        if (agreed := agreement(columns)) is not None:
            add_agreement(add_folded(body, agreement_text(agreed)), agreed)


def _add_rows(body: Element, done: Comparison) -> None:
    table = add_table(body, [row_texts(done, row) for row in done.rows], headings(done))
    lines = table.findall("tbody/tr")
    column = headings(done).index(done.metric.heading)
    for row, line in zip(done.rows, lines, strict=True):
        if row is done.best:
            _embolden(line[column])


def _embolden(value: Element) -> None:
    SubElement(value, "b").text, value.text = value.text, None


def _add_quoted(body: Element, done: Comparison) -> None:
    quoted = [(row.name, row.quoted) for row in done.rows if row.quoted is not None]
    if not quoted:
        return
    add(body, "h2", "Quoted")
    heads = ["method", "there", "GPU days of search", "weights, M", done.metric.heading, "source"]
    rows = [(name, q.name, q.days, q.params, q.value, q.source) for name, q in quoted]
    add_table(body, rows, heads)


def _add_seeds(body: Element, done: Comparison, page: Path) -> None:
    """The value of every run, by which the differences are paired, and links to their pages."""
    seeds = sorted({seed for row in done.rows for seed in row.values})
    if not seeds:
        return
    add(body, "h2", f"Every run: {done.metric.heading}")
    rows = [(row.name, *(_value(done, row.values, seed) for seed in seeds)) for row in done.rows]
    table = add_table(body, rows, ["method", *(f"seed {seed}" for seed in seeds)])
    for row, line in zip(done.rows, table.findall("tbody/tr"), strict=True):
        for seed, value in zip(seeds, line[1:], strict=True):
            own = done.path / directory_of(row.name) / f"seed-{seed}" / "report.html"
            if seed in row.values and own.is_file():
                anchor = SubElement(value, "a", href=link(own, page))
                anchor.text, value.text = value.text, None


def _value(done: Comparison, values: Mapping[int, float], seed: int) -> str:
    return done.metric.number(values[seed]) if seed in values else ""
