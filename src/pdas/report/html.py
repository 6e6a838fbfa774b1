"""Elements of a page; the library that writes them escapes every text and attribute."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement


def add(parent: Element, tag: str, text: str) -> Element:
    element = SubElement(parent, tag)
    element.text = text
    return element


def add_picture(parent: Element, path: Path, description: str) -> None:
    data = b64encode(path.read_bytes()).decode("ascii")
    SubElement(parent, "img", src=f"data:image/png;base64,{data}", alt=description)


def add_table(parent: Element, rows: Iterable[Sequence[str]], headings: Sequence[str] = ()) -> None:
    """A table whose first column names the row."""
    table = SubElement(SubElement(parent, "div", {"class": "scroll"}), "table")
    if headings:
        line = SubElement(SubElement(table, "thead"), "tr")
        for heading in headings:
            add(line, "th", heading)
    body = SubElement(table, "tbody")
    for label, *values in rows:
        line = SubElement(body, "tr")
        add(line, "th", label)
        for value in values:
            add(line, "td", value)
