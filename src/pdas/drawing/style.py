"""The look that all pictures share: quiet colours, one font that comes with matplotlib."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from pdas.support.files import atomic_write

INK = "#30343b"
GREY = "#9aa1ab"  # lines
MUTED = "#6b727d"  # text
FAINT = "#d3d7dd"
PALE = "#f3f4f6"
BLUE = "#2f5597"
ORANGE = "#d08a2e"

DPI = 200
LEAST_TEXT = 8.25  # points: 11 pixels of CSS

Colour = tuple[float, float, float]


def font(size: float, weight: str = "normal") -> FontProperties:
    """The font of all pictures.

    Args:
        size: in points.
        weight: "normal" or "bold".
    """
    return FontProperties(family="DejaVu Sans", size=size, weight=weight)


def text_width(text: str, properties: FontProperties) -> float:
    """The width in inches of a line of text."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, properties, ismath=False)
    return float(width) / 72


def tint(colour: str, strength: float) -> Colour:
    """A colour thinned with white.

    Args:
        colour: as matplotlib names it.
        strength: 1 leaves it as it is, 0 is white.
    """
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


class Picture(Figure):
    """A figure that notebooks show by themselves, without pyplot; no text in it is a formula.

    Example:
        new_figure(6.8, 4.0)
    """

    def draw(self, renderer: Any) -> None:
        """As matplotlib does, but names may hold any number of `$`.

        Args:
            renderer: of matplotlib.
        """
        for text in self.findobj(Text):
            text.set_parse_math(False)
        super().draw(renderer)

    def _repr_png_(self) -> tuple[bytes, dict[str, float]]:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue(), {"width": 100 * self.get_figwidth()}  # CSS pixels


def new_figure(width: float, height: float, **settings: Any) -> Picture:
    """A white figure, tied to no global state of matplotlib.

    Args:
        width, height: in inches.
        settings: of matplotlib's `Figure`.
    """
    return Picture(figsize=(width, height), dpi=DPI, facecolor="white", **settings)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return its path."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png")
    return path
