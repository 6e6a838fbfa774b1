"""The page of several runs, and that of a sweep: one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_folded, add_table, add_text
from pdas.report.html.page import begin_page, is_page, write_page
from pdas.report.several.agreement import add_agreement, agreement
from pdas.report.several.answer import answer
from pdas.report.several.column import Column, read_columns, runs_of_sweep
from pdas.report.several.curves import add_curves
from pdas.report.several.drawings import add_drawings
from pdas.report.several.figures import add_figures, common
from pdas.report.several.groups import groups
from pdas.runs.reading import has_file, names_in
from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.support.refusals import refuse

PAGE = "report.html"


def is_sweep(path: Path) -> bool:
    """Whether a directory is that of a sweep, finished or not.

    Args:
        path: of the directory.
    """
    if has_file(path / "sweep.json"):
        return True
    if Run(path).has_config or not path.is_dir():
        return False
    names = [name for name in names_in(path) if name.startswith("seed-")]
    return any(has_file(path / name / "config.yaml") for name in names)


def write_sweep(path: Path) -> Path:
    """Write the `report.html` of a sweep, with whatever there is.

    Args:
        path: its directory.

    Returns:
        The path of the page.

    Raises:
        RunError: the directory cannot be read, or the page cannot be written.
    """
    page = path / PAGE
    write_page(_page(Run(path).name, runs_of_sweep(path), page), page)
    return page


def write_several(runs: Sequence[Path], out: Path) -> Path:
    """Write a page of several runs, with whatever there is of each.

    Args:
        runs: their directories.
        out: the page, which may replace an earlier one of this kind.

    Returns:
        The path of the page.

    Raises:
        RunError: a directory is no run, or `out` is something else or cannot be written.
    """
    for path in runs:
        Run.open(path)
    if out.exists() and not is_page(out):
        refuse(
            RunError,
            "--out",
            found=f"{out}, which is no report",
            expected="a new file, or a report to be replaced",
            remedy="give another",
        )
    columns = read_columns(runs)
    write_page(_page(f"{len(columns)} runs", columns, out), out)
    return out


def _page(title: str, columns: Sequence[Column], page: Path) -> Element:
    together, agreed = groups(columns), agreement(columns)
    html, body = begin_page(title)
    add(body, "h1", title)
    add_text(body, "p", " ".join(answer(columns, together, agreed))).set("class", "answer")
    add_figures(body, columns, together, page)
    if agreed is not None:
        add(body, "h2", "Architectures")
        add_drawings(body, columns, "architecture")
        add(body, "h3", "Agreement by variable")
        add_agreement(body, agreed)
    add_curves(body, columns, {column.name: column.name for column in columns})
    if settings := common(columns):
        add_table(add_folded(body, "Settings that all share"), settings.items())
    return html
