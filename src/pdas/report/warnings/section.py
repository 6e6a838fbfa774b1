"""The warnings of a run on its page."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from pdas.report.html.elements import add
from pdas.report.reader import Summary
from pdas.report.warnings.of_run import warnings_of


def add_warnings(body: Element, summary: Summary) -> None:
    """Add a list of the warnings, if there are any.

    Args:
        body: of the page.
        summary: of the run.
    """
    found = warnings_of(summary)
    if not found:
        return
    add(body, "h2", "Warnings")
    items = SubElement(body, "ul")
    for warning in found:
        item = SubElement(items, "li")
        add(item, "strong", warning.name).tail = f": {warning.finding}. To do: {warning.advice}."
