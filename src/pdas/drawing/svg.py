"""Figures as SVG within a page: texts stay texts, and colours follow the light or dark of the page.

A figure is drawn once, in the light colours of `style`. Within a page each colour becomes a pair,
`light-dark(#30343b, #b9bec6)`, whose dark half has the same hue and the opposite lightness.
"""

from __future__ import annotations

import io
import re
from colorsys import hls_to_rgb, rgb_to_hls
from functools import cache
from xml.etree.ElementTree import Element, SubElement, fromstring

from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

_DARKEST, _LIGHTEST = 0.11, 0.93  # lightness in the dark, of what is white or black in the light
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_FONT = "'DejaVu Sans'"
_ALIKE = f"{_FONT}, Verdana, sans-serif"  # of the same widths, where it is not installed
_PIXELS = 96 / 72  # of CSS, in a point
_LINES = {"stroke-linejoin": "round", "stroke-linecap": "butt"}  # of a style sheet that is left out


def svg_text(figure: Figure) -> str:
    """A figure as a file of SVG, transparent, with the same bytes for the same figure.

    Args:
        figure: of `new_figure`.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pdas"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return file.getvalue()


def inline_svg(text: str, name: str, description: str) -> Element:
    """An element for a page, as wide as the figure is in inches, in CSS.

    Args:
        text: of `svg_text`.
        name: another one for each figure of a page, a word; it begins the ids within.
        description: in words, for people who do not see it.

    Returns:
        The element `svg`, in no namespace, as HTML has it.
    """
    svg = fromstring(text)
    for parent in list(svg.iter()):
        for child in [each for each in parent if _plain(each.tag) in ("metadata", "style")]:
            parent.remove(child)
    for element in svg.iter():
        _put_into_page(element, name)
    width, height = (float(size) for size in svg.get("viewBox", "").split()[2:])
    svg.attrib |= {
        "width": f"{width * _PIXELS:.0f}",
        "height": f"{height * _PIXELS:.0f}",
        "role": "img",
        "aria-label": description,
        **_LINES,
    }
    svg.attrib.pop("version", None)
    title = SubElement(svg, "title")
    title.text = description
    svg.remove(title)
    svg.insert(0, title)
    return svg


@cache
def dark(colour: str) -> str:
    """The colour for a dark page: the same hue, the opposite lightness.

    Args:
        colour: as `#30343b`.

    Example:
        >>> dark("#ffffff"), dark("#000000")
        ('#1c1c1c', '#ededed')
    """
    hue, lightness, saturation = rgb_to_hls(*to_rgb(colour))
    lightness = _DARKEST + (1 - lightness) * (_LIGHTEST - _DARKEST)
    return to_hex(hls_to_rgb(hue, lightness, saturation))


def _put_into_page(element: Element, name: str) -> None:
    element.tag = _plain(element.tag)
    attributes = {_plain(key): value for key, value in element.attrib.items()}
    if "id" in attributes:
        attributes["id"] = f"{name}-{attributes['id']}"
    if "href" in attributes:
        attributes["href"] = f"#{name}-{attributes['href'].removeprefix('#')}"
    for key in ("style", "clip-path"):
        if key in attributes:
            own = attributes[key].replace("url(#", f"url(#{name}-").replace(_FONT, _ALIKE)
            attributes[key] = _COLOUR.sub(_pair, own)
    element.attrib.clear()
    element.attrib.update(attributes)


def _pair(found: re.Match[str]) -> str:
    return f"light-dark({found[0]}, {dark(found[0])})"


def _plain(name: str) -> str:
    """Without the namespace."""
    return name.rpartition("}")[2]
