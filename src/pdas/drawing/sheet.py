"""Sheets of images: each enlarged a whole number of times, with lines of text between them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pdas.drawing.style import DPI, font

GAP = 0.07  # inches, between images

Pixels = NDArray[np.uint8]


def enlargement(height: int, width: int, side: int) -> int:
    """How many times an image is enlarged, a whole number, so that it stays sharp.

    Args:
        height, width: of the image, in pixels.
        side: pixels that its longer side is to have about.
    """
    return max(1, round(side / max(height, width)))


def add_image(figure: Figure, image: Pixels, x: float, y: float, times: int) -> None:
    """Add an image, sharp to the pixel.

    Args:
        figure: of `new_figure`.
        image: uint8 `(C, H, W)`; C is 1 or 3.
        x, y: of its lower left corner, in inches.
        times: see `enlargement`.
    """
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    large = colours.repeat(times, axis=0).repeat(times, axis=1)
    figure.figimage(large, round(x * DPI), round(y * DPI), origin="upper")


def add_line(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    colour: str,
    size: float,
    weight: str = "normal",
    side: str = "left",
) -> None:
    """Add a line of text.

    Args:
        figure: of `new_figure`.
        x, y: where its baseline begins, or what `side` says, in inches.
        text: a single line.
        colour: of the text.
        size: in points.
        weight: "normal" or "bold".
        side: the part of the text that is at x: "left", "center" or "right".
    """
    width, height = figure.get_size_inches()
    figure.text(
        x / width,
        y / height,
        text,
        color=colour,
        fontproperties=font(size, weight),
        horizontalalignment=side,
    )
