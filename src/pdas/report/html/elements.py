"""Elements of a page; the library that writes them escapes every text and attribute."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from pdas.support.errors import printable
from pdas.tasks.section import Section, Table


def add(parent: Element, tag: str, text: str) -> Element:
    """Add an element with a text, and return it.

    Args:
        parent: the element around it.
        tag: of the new element.
        text: plain, in one line or several; the library escapes it for HTML.
    """
    element = SubElement(parent, tag)
    element.text = "\n".join(map(printable, text.split("\n")))
    return element


def add_picture(parent: Element, path: Path, description: str) -> None:
    """Add a picture whose bytes are in the page itself.

    Args:
        parent: the element around it.
        path: of a PNG file.
        description: in words, for people who do not see it.
    """
    data = b64encode(path.read_bytes()).decode("ascii")
    SubElement(parent, "img", src=f"data:image/png;base64,{data}", alt=printable(description))


def add_svg(parent: Element, text: str, name: str, description: str) -> None:
    """Add a drawing, in the colours of the page, which scrolls if it is wider.

    Args:
        parent: the element around it.
        text: of `svg_text`.
        name: another one for each drawing of a page, a word.
        description: in words, for people who do not see it.
    """
    from pdas.drawing.svg import inline_svg  # needs matplotlib

    add_scroll(parent, description).append(inline_svg(text, name, printable(description)))


def add_scroll(parent: Element, name: str) -> Element:
    """Add what scrolls if its content is too wide, by keyboard too, and return it.

    Args:
        parent: the element around it.
        name: of the content.
    """
    about = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": printable(name)}
    return SubElement(parent, "div", about)


def add_table(
    parent: Element, rows: Iterable[Sequence[str]], headings: Sequence[str] = ()
) -> Element:
    """Add a table whose first column names the row, and return it.

    Args:
        parent: the element around it.
        rows: the texts of the cells.
        headings: of the columns; none by default.
    """
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
    return table


def add_section(parent: Element, section: Section) -> None:
    """Add what a task says of a retrained network.

    Args:
        parent: the element around it.
        section: texts, tables and pictures.
    """
    add(parent, "h3", section.title)
    for text in section.paragraphs:
        add(parent, "p", text)
    for table in section.tables:
        _add_foldable(parent, table)
    for picture in section.pictures:
        add_picture(parent, picture.file, picture.caption)


def _add_foldable(parent: Element, table: Table) -> None:
    if table.title:
        parent = SubElement(parent, "details", {"open": "open"} if table.is_open else {})
        add(parent, "summary", table.title)
    add_table(parent, table.rows, table.headings)
