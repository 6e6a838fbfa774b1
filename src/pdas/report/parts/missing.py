"""What the page of an unfinished or broken run lacks, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement

from pdas.report.html.elements import add
from pdas.report.reader import Summary


def add_missing(body: Element, summary: Summary, damage: Sequence[str]) -> None:
    """Add a list of what is missing; nothing of a whole run.

    Args:
        body: of the page.
        summary: of the run, leniently read.
        damage: of its files, a line each.
    """
    lines = [*missing(summary), *damage]
    if not lines:
        return
    add(body, "h2", "What is missing")
    listed = SubElement(body, "ul")
    for line in lines:
        add(listed, "li", line).set("class", "missing")


def missing(summary: Summary) -> Iterator[str]:
    """A line for each thing that a whole run has and this one does not have yet.

    Args:
        summary: of the run.
    """
    run = summary.run
    if run.stage == "search" and run.is_unfinished:
        yield "The architecture: the search has not finished."
    if not run.has("metrics.csv") and run.is_unfinished:
        yield "The course of the search: it is written after the first epoch."
    if not summary.results and summary.architecture and not summary.is_own_network:
        yield "Results: no network has been retrained to its end."
