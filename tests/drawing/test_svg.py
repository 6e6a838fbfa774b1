"""SVG within a page: texts are texts, colours are pairs, ids are of one drawing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from colorsys import rgb_to_hls
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from pdas.drawing.style import BLUE, INK, font, new_figure
from pdas.drawing.svg import dark, inline_svg, svg_text

HOSTILE = "<script>alert(1)</script> & $\\frac$"


def drawing(text: str = "conv 3x3") -> Figure:
    figure = new_figure(2, 1)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.add_patch(Circle((0.5, 0.5), 2, color=BLUE))  # clipped by the axes
    figure.text(0.1, 0.1, text, color=INK, fontproperties=font(9))
    return figure


def inlined(text: str = "conv 3x3", name: str = "one") -> Element:
    return inline_svg(svg_text(drawing(text)), name, "A circle")


def values(svg: Element, key: str) -> Iterator[str]:
    return (element.attrib[key] for element in svg.iter() if key in element.attrib)


def test_it_is_an_image_with_words_of_its_size_in_pixels() -> None:
    svg = inlined()
    assert (svg.tag, svg.get("role"), svg.get("aria-label")) == ("svg", "img", "A circle")
    assert (svg.get("width"), svg.get("height")) == ("192", "96")
    assert svg[0].tag == "title" and svg[0].text == "A circle"


@pytest.mark.parametrize("text", ["conv 3x3", HOSTILE])
def test_texts_stay_texts_of_their_size(text: str) -> None:
    *_, written = inlined(text).iter("text")
    assert written.text == text
    # Of the view box, whose unit is a point.
    assert re.search(r"\b9px", written.attrib["style"])
    assert "sans-serif" in written.attrib["style"]


def test_every_colour_is_a_pair() -> None:
    styles = " ".join(values(inlined(), "style"))
    assert f"light-dark({BLUE}, {dark(BLUE)})" in styles
    assert not re.findall(r"#\w{6}", re.sub(r"light-dark\([^)]*\)", "", styles))


def test_two_drawings_of_a_page_share_no_id_and_refer_to_their_own() -> None:
    one, other = inlined(name="one"), inlined(name="other")
    assert not set(values(one, "id")) & set(values(other, "id"))
    for svg in (one, other):
        ids = set(values(svg, "id"))
        refers = re.findall(r"url\(#([^)]*)\)", " ".join(values(svg, "clip-path")))
        assert refers and set(refers) <= ids


def test_no_rule_leaks_into_the_page() -> None:
    assert not {"style", "metadata"} & {element.tag for element in inlined().iter()}


def test_the_same_figure_has_the_same_bytes() -> None:
    assert svg_text(drawing()) == svg_text(drawing())


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_a_dark_colour_has_the_opposite_lightness_and_the_same_hue(colour: str) -> None:
    (hue, lightness, saturation), (other, opposite, _) = (
        rgb_to_hls(*to_rgb(each)) for each in (colour, dark(colour))
    )
    assert opposite == pytest.approx(0.11 + (1 - lightness) * 0.82, abs=0.01)
    if saturation > 0.3 and 0.1 < lightness < 0.9:
        assert min(abs(hue - other), 1 - abs(hue - other)) < 0.03
