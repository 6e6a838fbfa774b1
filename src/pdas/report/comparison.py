"""The page of a comparison, one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from pdas.comparing.results import Comparison
from pdas.comparing.table import headings, row_texts, sentences
from pdas.report.html.elements import add, add_table
from pdas.report.html.page import begin_page, write_page
from pdas.report.values import flattened


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
    first, *notes = sentences(done)
    add(body, "p", first)
    _add_rows(body, done)
    for note in notes:
        add(body, "p", note).set("class", "note")
    _add_quoted(body, done)
    _add_seeds(body, done)
    if done.failed:
        add(body, "h2", "Failed runs")
        rows = [(f"{row}, seed {seed}", why) for (row, seed), why in done.failed.items()]
        add_table(body, rows, ["run", "error"])
    add(body, "h2", "Settings of all methods")
    add_table(body, flattened(done.record.recipe).items())
    path = done.path / "report.html"
    write_page(html, path)
    return path


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


def _add_seeds(body: Element, done: Comparison) -> None:
    """The value of every run, by which the differences are paired."""
    seeds = sorted({seed for row in done.rows for seed in row.values})
    if not seeds:
        return
    add(body, "h2", f"Every run: {done.metric.heading}")
    rows = [(row.name, *(_value(done, row.values, seed) for seed in seeds)) for row in done.rows]
    add_table(body, rows, ["method", *(f"seed {seed}" for seed in seeds)])


def _value(done: Comparison, values: Mapping[int, float], seed: int) -> str:
    return done.metric.number(values[seed]) if seed in values else ""
