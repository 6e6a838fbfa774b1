"""The report of a run: one small HTML page that needs nothing beside itself.

It is built as a tree and written by the library, which escapes every text and attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from pdas.report.check import add_check
from pdas.report.controls import add_controls
from pdas.report.describe import architecture_rows, architecture_text, summarise
from pdas.report.finalists import add_finalists
from pdas.report.html import add, add_picture, add_table
from pdas.report.reader import Summary, read_summary
from pdas.report.retrainings import add_retrainings
from pdas.report.values import flattened
from pdas.runs.run import Run
from pdas.space.decided import NOTHING_LEARNED
from pdas.spaces.base import family_of
from pdas.support.files import atomic_write

_STYLE = """
body { max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; color: #30343b;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.8rem 0 .4rem; }
summary { margin: .8rem 0 .4rem; color: #6b727d; }
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
    """Write the `report.html` of a run, with whatever there is.

    The pictures are drawn anew: that of the architecture, `convergence.png`, and those of the task
    in each retraining.

    Args:
        run_dir: the run directory.

    Returns:
        The path of the page.

    Raises:
        RunError: the directory is no run, or one of its files is damaged.
    """
    summary = read_summary(run_dir)
    path = summary.run.path / "report.html"
    write_page(_page(summary), path)
    return path


def begin_page(name: str) -> tuple[Element, Element]:
    """A page in the look of all reports, and its body, which is empty.

    Args:
        name: of what it reports.
    """
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "title", f"{name} - PDAS")
    add(head, "style", _STYLE)
    return html, SubElement(html, "body")


def write_page(html: Element, path: Path) -> None:
    """Write a page.

    Args:
        html: of `begin_page`.
        path: of the file, which is replaced.

    Raises:
        RunError: it cannot be written.
    """
    text = tostring(html, encoding="unicode", method="html")
    with atomic_write(path) as file:
        file.write(f"<!DOCTYPE html>\n{text}\n".encode(errors="backslashreplace"))


def _page(summary: Summary) -> Element:
    run = summary.run
    html, body = begin_page(run.name)
    add(body, "h1", run.name)
    if description := summary.recipe.get("description"):
        add(body, "p", str(description)).set("class", "note")
    add_table(body, summarise(summary))
    labels = [label for label, _ in architecture_rows(summary.architecture)]
    add_retrainings(body, summary, elsewhere=labels)
    add_controls(body, summary)
    _add_architecture(body, summary)
    _add_search(body, run)
    add_finalists(body, run)
    add_check(body, run)
    _add_settings(body, "Settings", {**summary.recipe, **summary.others})
    _add_settings(body, "Versions and hardware", summary.environment)
    return html


def _add_architecture(body: Element, summary: Summary) -> None:
    labels = summary.architecture
    if not labels:
        return
    add(body, "h2", "Architecture")
    if summary.nothing_learned:
        add(body, "p", NOTHING_LEARNED).set("class", "note")
    family = family_of(labels)
    picture = family and family.picture(labels, summary.run.path, _image_size(summary.recipe))
    if picture:
        add_picture(body, picture.file, picture.caption)
    add(body, "pre", architecture_text(labels))


def _add_search(body: Element, run: Run) -> None:
    if not run.has("metrics.csv"):
        return
    from pdas.report.convergence import plot_convergence  # needs matplotlib

    has_theta = run.has("theta.npz")
    shown = "Share of θ decided, learning rate" if has_theta else "What the method reports"
    add(body, "h2", "Search")
    add_picture(body, plot_convergence(run.path), f"{shown} and losses")


def _add_settings(body: Element, title: str, settings: Mapping[str, object]) -> None:
    if settings:
        add(body, "h2", title)
        add_table(body, flattened(settings).items())


def _image_size(recipe: Mapping[str, object]) -> int | None:
    """Pixels a side of the images of a recipe, if it says so."""
    data = recipe.get("data")
    size = data.get("image_size") if isinstance(data, Mapping) else None
    return size if isinstance(size, int) and size > 0 else None
