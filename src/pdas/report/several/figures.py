"""The figures of several runs: a column for each run, and one for those that differ in seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from pdas.report.describe import method
from pdas.report.html.elements import add, add_table
from pdas.report.several.column import MOST, Column
from pdas.report.several.groups import Group, metrics_of
from pdas.report.values import flattened

_MISSING, _WARNINGS = "missing", "warnings"  # the labels of rows
_PAGE = "report.html"


def add_figures(
    body: Element, columns: Sequence[Column], together: Sequence[Group], page: Path
) -> None:
    """Add a row for each figure, for what is missing, and for each setting that differs.

    Args:
        body: of the page.
        columns: the runs.
        together: those that differ in seeds only.
        page: the path of the page, from which the links go.
    """
    add(body, "h2", "Figures")
    means = [group for group in together if len(group.columns) > 1]
    shown = columns[:MOST]
    heads = ["", *(_heading(group, len(together) == 1) for group in means)]
    rows = list(_rows(columns, shown, means))
    table = add_table(body, rows, [*heads, *(column.name for column in shown)])
    _link(table, shown, len(heads), page)
    for line in table.findall("tbody/tr"):
        for value in line[1 : 1 + len(means)]:
            value.set("class", "whole")
        if line[0].text in (_MISSING, _WARNINGS):
            for value in line[1 + len(means) :]:
                value.set("class", "missing")
    if means:
        note = (
            "Means are over runs that differ in their seeds only; in brackets is Student's "
            "interval of 95 %, where there are several values."
        )
        add(body, "p", note).set("class", "note")
    add_rest(body, len(columns) - len(shown))


def add_rest(body: Element, count: int) -> None:
    """Say that runs are not shown, if there are any.

    Args:
        body: of the page.
        count: how many.
    """
    if count > 0:
        add(body, "p", f"{count:,} more runs count, and are not shown.").set("class", "note")


def link(path: Path, page: Path) -> str:
    """The address of a file from a page, which no name can turn into one of elsewhere.

    Args:
        path: of the file.
        page: of the page.
    """
    relative = os.path.relpath(path.resolve(), page.resolve().parent)
    return "./" + quote(os.fsencode(relative))


def _heading(group: Group, is_only: bool) -> str:
    return "mean" if is_only else f"mean of {group.name}"


def _rows(
    columns: Sequence[Column], shown: Sequence[Column], means: Sequence[Group]
) -> Iterator[list[str]]:
    nothing = [""] * len(means)
    if any(column.missing for column in shown):
        yield [_MISSING, *nothing, *(" ".join(column.missing) for column in shown)]
    if any(column.warnings for column in shown):
        yield [_WARNINGS, *nothing, *("; ".join(column.warnings) for column in shown)]
    methods = ["" if each.summary is None else method(each.summary) for each in shown]
    yield ["method", *nothing, *methods]
    for metric in metrics_of(columns):
        values = (column.values.get(metric) for column in shown)
        texts = ["" if value is None else metric.number(value) for value in values]
        yield [metric.heading, *(group.text(metric) for group in means), *texts]
    settings = [flattened(column.recipe) for column in shown]
    for key in _differing([each for each in settings if each]):
        yield [key, *nothing, *(each.get(key, "") for each in settings)]


def common(columns: Sequence[Column]) -> dict[str, str]:
    """The settings that all runs share, as text.

    Args:
        columns: the runs.
    """
    settings = [flattened(column.recipe) for column in columns if column.recipe]
    differing = set(_differing(settings))
    first: Mapping[str, str] = settings[0] if settings else {}
    return {key: text for key, text in first.items() if key not in differing}


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    keys = dict.fromkeys(key for each in settings for key in each)
    return [key for key in keys if len({each.get(key) for each in settings}) > 1]


def _link(table: Element, shown: Sequence[Column], first: int, page: Path) -> None:
    """Make the heads of the runs that have a page of their own links to it."""
    heads = table.findall("thead/tr/th")[first:]
    for column, head in zip(shown, heads, strict=True):
        own = column.path / _PAGE
        if own.is_file():
            anchor = SubElement(head, "a", href=link(own, page))
            anchor.text, head.text = head.text, None
