"""The report of a run: one HTML page that needs nothing beside itself, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.report.damage import kept
from pdas.report.describe import summarise
from pdas.report.html.elements import add, add_folded, add_table
from pdas.report.html.page import begin_page, write_page
from pdas.report.parts.answer import add_answer
from pdas.report.parts.architecture import add_architecture
from pdas.report.parts.check import add_check
from pdas.report.parts.controls import add_controls
from pdas.report.parts.curves import add_course, add_search_curves
from pdas.report.parts.finalists import add_finalists
from pdas.report.parts.missing import add_missing
from pdas.report.parts.posterior import add_posterior
from pdas.report.parts.retrainings import add_figures, add_retrainings
from pdas.report.parts.theta import add_theta
from pdas.report.reader import NamedTheta, Summary, read_summary, read_theta
from pdas.report.values import flattened
from pdas.report.warnings.section import add_warnings


def write_report(run_dir: str | PathLike[str], refresh: int | None = None) -> Path:
    """Write the `report.html` of a run, with whatever there is.

    The architecture is drawn into `architecture.svg` too, and the pictures of the task into each
    retraining. What is missing or damaged is said in the page.

    Args:
        run_dir: the run directory.
        refresh: seconds after which a browser loads the page again, while the run continues.

    Returns:
        The path of the page.

    Raises:
        RunError: the directory is no run, or cannot be written.
    """
    summary = read_summary(run_dir, lenient=True)
    path = summary.run.path / "report.html"
    write_page(_page(summary, refresh), path)
    return path


def _page(summary: Summary, refresh: int | None) -> Element:
    run, damage = summary.run, list(summary.damage)
    theta = kept(damage, lambda: read_theta(run) if run.has("theta.npz") else None)
    sections = [kept(damage, partial(_section, part)) for part in _parts(summary, theta)]
    html, body = begin_page(run.name, refresh)
    add(body, "h1", run.name)
    if description := summary.recipe.get("description"):
        add(body, "p", str(description)).set("class", "note")
    add_answer(body, summary, theta)
    add_warnings(body, summary)
    add_missing(body, summary, damage)
    add_table(body, summarise(summary, without=("controls", "damage", "next")))  # said above
    body.extend(section for section in sections if section is not None)
    _add_settings(body, "Settings", {**summary.recipe, **summary.others})
    _add_settings(body, "Versions and hardware", summary.environment)
    return html


def _parts(summary: Summary, theta: NamedTheta | None) -> list[Callable[[Element], None]]:
    """The parts of the page in their order; each may find that a file is damaged."""
    run = summary.run
    parts: list[Callable[[Element], None]] = [
        partial(add_architecture, summary=summary, theta=theta)
    ]
    if theta is not None:
        parts.append(partial(add_posterior, theta=theta, architecture=summary.architecture))
        parts.append(partial(add_theta, theta=theta))
    return [
        *parts,
        partial(add_search_curves, summary=summary, theta=theta),
        partial(add_retrainings, summary=summary),
        *(
            partial(add, summary=summary, name=name)
            for name in summary.results
            for add in (add_course, add_figures)
        ),
        partial(add_controls, summary=summary),
        partial(add_finalists, run=run),
        partial(add_check, run=run),
    ]


def _section(part: Callable[[Element], None]) -> Element:
    section = Element("section")
    part(section)
    return section


def _add_settings(body: Element, title: str, settings: Mapping[str, object]) -> None:
    if settings:
        add_table(add_folded(body, title), flattened(settings).items())
