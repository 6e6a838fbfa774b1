"""Elements of a page; the library that writes them escapes every text and attribute."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from pdas.support.errors import printable
from pdas.tasks.section import Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def add_text(parent: Element, tag: str, text: str) -> Element:
    """Add an element with a text in which what is between two ` is code, and return it.

    Args:
        parent: the element around it.
        tag: of the new element.
        text: in one line.
    """
    element = SubElement(parent, tag)
    element.text, *parts = map(printable, text.split("`"))
    for code, after in zip(parts[::2], [*parts[1::2], ""], strict=False):
        SubElement(element, "code").text = code
        element[-1].tail = after
    return element


def add_picture(parent: Element, path: Path, description: str) -> None:
    """Add a picture whose bytes are in the page itself, of its own size; a wider one scrolls.

    Args:
        parent: the element around it.
        path: of a PNG file that `pdas.drawing` has drawn.
        description: in words, for people who do not see it.
    """
    from pdas.drawing.style import DPI  # needs matplotlib

    content = path.read_bytes()
    width = int.from_bytes(content[16:20], "big") * 96 / DPI  # of its header, in pixels of CSS
    SubElement(
        add_scroll(parent, description),
        "img",
        src=f"data:image/png;base64,{b64encode(content).decode('ascii')}",
        alt=printable(description),
        width=f"{width:.0f}",
    )


def add_drawing(parent: Element, figure: Figure, name: str, description: str) -> None:
    """Add a drawing of its own size, which scrolls if it is wider than the page.

    Args:
        parent: the element around it.
        figure: what is drawn.
        name: another one for each drawing of a page, a word.
        description: in words, for people who do not see it.
    """
    add_scroll(parent, description).append(as_svg(figure, name, description))


def as_svg(figure: Figure, name: str, description: str) -> Element:
    """A figure as an element in the colours of the page.

    Args:
        figure: of `pdas.drawing`.
        name: another one for each drawing of a page, a word.
        description: in words, for people who do not see it.
    """
    from pdas.drawing.svg import inline_svg, svg_text  # needs matplotlib

    return inline_svg(svg_text(figure), name, printable(description))


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
    name = ", ".join(filter(None, headings)) or "figures"
    table = SubElement(add_scroll(parent, f"table: {name}"), "table")
    if headings:
        line = SubElement(SubElement(table, "thead"), "tr")
        for heading in headings:
            add(line, "th", heading).set("scope", "col")
    body = SubElement(table, "tbody")
    for label, *values in rows:
        line = SubElement(body, "tr")
        add(line, "th", label).set("scope", "row")
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


def add_folded(parent: Element, title: str, is_open: bool = False) -> Element:
    """Add what a reader can fold and unfold, and return it.

    Args:
        parent: the element around it.
        title: which stays.
        is_open: whether it is unfolded at first.
    """
    folded = SubElement(parent, "details", {"open": "open"} if is_open else {})
    add(folded, "summary", title)
    return folded


def _add_foldable(parent: Element, table: Table) -> None:
    if table.title:
        parent = add_folded(parent, table.title, table.is_open)
    add_table(parent, table.rows, table.headings)
