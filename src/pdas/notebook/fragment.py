"""A piece of HTML for the output of a cell: it needs nothing beside itself, and asks nobody.

Its texts have the colour of the notebook, on no ground of their own; drawings are light or dark as
the notebook is. It is bounded in size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from pdas.report.html.elements import add, add_folded, add_scroll, add_table
from pdas.support.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST_DRAWING = 150_000  # letters
MOST_ROWS = 60  # of a table
MOST_OPEN = 12  # rows of a table that is not folded
_LETTERS = 100  # of a cell

_STYLE = """
.pdas-view { color: inherit; font-size: 14px; line-height: 1.5; }
[data-jp-theme-light="true"] .pdas-view, .vscode-light .pdas-view { color-scheme: light; }
[data-jp-theme-light="false"] .pdas-view, .vscode-dark .pdas-view,
html[theme="dark"] .pdas-view, html[data-theme="dark"] .pdas-view { color-scheme: dark; }
.pdas-view p { margin: .4em 0; }
.pdas-view summary { cursor: pointer; }
.pdas-view .scroll { overflow-x: auto; }
.pdas-view table { border-collapse: collapse; margin: .4em 0; }
.pdas-view th, .pdas-view td { text-align: left; padding: .15em 1em .15em 0; background: none;
  color: inherit; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.pdas-view svg { display: block; max-width: none; }
.pdas-view svg text { white-space: pre; }
"""


def begin(*texts: str) -> Element:
    """A fragment that begins with a line.

    Args:
        texts: the first in bold, then what is to be said of it.
    """
    body = Element("div", {"class": "pdas-view"})
    SubElement(body, "style").text = _STYLE
    first, *others = texts
    line = SubElement(body, "p")
    add(line, "b", first).tail = printable("".join(f"; {text}" for text in others))
    return body


def add_rows(
    body: Element, title: str, rows: Iterable[Sequence[object]], headings: Sequence[str] = ()
) -> None:
    """Add a table, folded if it is long, and cut if it is very long.

    Args:
        body: of the fragment.
        title: of the table, where it is folded.
        rows: the cells.
        headings: of the columns.
    """
    every = [tuple(_short(str(value)) for value in row) for row in rows]
    if not every:
        return
    parent = body if len(every) <= MOST_OPEN else add_folded(body, title)
    add_table(parent, every[:MOST_ROWS], headings)
    if (more := len(every) - MOST_ROWS) > 0:
        add(parent, "p", f"{more:,} more")


def add_figure(body: Element, figure: Figure, description: str) -> None:
    """Add a drawing that scrolls if it is too wide; of one that is too large a line.

    Args:
        body: of the fragment.
        figure: of `pdas.drawing`.
        description: in words, for people who do not see it.
    """
    from pdas.drawing.svg import inline_svg, svg_text  # needs matplotlib

    text = svg_text(figure)
    name = f"pdas-{sha256(text.encode()).hexdigest()[:10]}"  # equal only where the drawing is
    svg = inline_svg(text, name, printable(description))
    if len(tostring(svg, encoding="unicode")) > LARGEST_DRAWING:
        add(body, "p", "The drawing is too large to be shown here; a report has it whole.")
    else:
        add_scroll(body, description).append(svg)


def as_html(body: Element) -> str:
    """The text of a fragment.

    Args:
        body: of `begin`.
    """
    text = tostring(body, encoding="unicode", method="html")
    return text.encode("utf-8", "backslashreplace").decode()  # a name may hold half a character


def _short(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
