"""The picture of an auto-encoder: its encoder downwards, beside it the decoder that mirrors it.

A layer and its mirror share a row, so that skip connections are level lines between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure

from pdas.drawing.shapes import (
    CAPTION_TEXT,
    TEXT,
    Point,
    add_arrow,
    add_box,
    add_caption,
    add_label,
    add_title,
    new_drawing,
)
from pdas.drawing.style import BLUE, GREY, MUTED, ORANGE, PALE, font, text_width, tint
from pdas.spaces.autoencoders.chain import Chain
from pdas.spaces.autoencoders.space import Layer

_MARGIN = 0.35  # inches, around everything
_TITLE = 0.5  # height of the title
_ROW = 0.46  # distance of two rows
_HEIGHT = 0.27  # of a box
_SPREAD = 1.1  # by how much the box of most channels is wider than one of none would be
_PADDING = 0.12  # left and right of the text of a box
_BETWEEN = 0.9  # from the widest box of the encoder to that of the decoder
_COLUMN = 0.2  # around the columns of notes left of the encoder
_LINE = 0.16  # height of a line of the caption
_TIMES = "\N{MULTIPLICATION SIGN}"
_ENDS = ("masked image", "restored image")
_OUTPUT = f"3{_TIMES}3, to the image"
_BOXES = (
    "A box is a convolution, transposed in the decoder: its kernel, and its channels, which set "
    "its width."
)
_SKIPS = "A blue arrow is a skip connection: it adds the output of a layer to that of its mirror."
_PASSED = f"Left out, since the map is 1{_TIMES}1 already:"


def chain_figure(chain: Chain) -> Figure:
    """The encoder on the left from the image down, the decoder on the right back up.

    Args:
        chain: of `read_chain`.
    """
    return _Drawing(chain).figure


class _Drawing:
    """Draws a chain. Row 0 has the images, row 1 the last convolution, those below the layers."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._most = max((layer.channels for layer in chain.layers), default=1)
        self._narrowest = _widest([*_ENDS, _OUTPUT, *map(_label, chain.layers)], TEXT)
        self._narrowest += 2 * _PADDING
        caption = _caption(chain)
        rows = len(chain.layers) + 2
        widest = self._narrowest + _SPREAD
        numbers = _widest([_number(layer) for layer in chain.layers], CAPTION_TEXT)
        sizes = _widest([_pixels(size) for size in chain.sizes], CAPTION_TEXT)
        self._sizes_end = _MARGIN + sizes
        self._numbers_end = self._sizes_end + numbers + (_COLUMN if sizes else 0)
        self._left = self._numbers_end + _COLUMN + widest / 2
        self._right = self._left + widest + _BETWEEN
        width = max(self._right + widest / 2, _MARGIN + _widest(caption, CAPTION_TEXT)) + _MARGIN
        height = 2 * _MARGIN + _TITLE + (rows + 0.4) * _ROW + len(caption) * _LINE
        self._top = height - _MARGIN - _TITLE - _HEIGHT / 2
        self.figure, self._axes = new_drawing(width, height)
        note = f"{len(chain.layers)} of {chain.known} layers in use"
        add_title(self._axes, (_MARGIN, height - _MARGIN - 0.13), "Auto-encoder", note)
        add_caption(self._axes, (_MARGIN, _MARGIN), caption, _LINE)
        self._draw_flow(rows)
        self._draw_ends()
        for row, layer in enumerate(chain.layers, start=2):
            self._draw_layer(row, layer)
        self._draw_sizes()

    def _y(self, row: float) -> float:
        return self._top - row * _ROW

    def _draw_flow(self, rows: int) -> None:
        """The arrows down the encoder, across below its last layer, and up the decoder."""
        half = _HEIGHT / 2
        encoder = [0, *range(2, rows)]
        for above, below in pairwise(encoder):
            self._arrow([(self._left, self._y(above) - half), (self._left, self._y(below) + half)])
        for above in range(rows - 1):
            x = self._right
            self._arrow([(x, self._y(above + 1) + half), (x, self._y(above) - half)])
        low = self._y(rows - 1) - _ROW * 0.75
        self._arrow(
            [
                (self._left, self._y(encoder[-1]) - half),
                (self._left, low),
                (self._right, low),
                (self._right, self._y(rows - 1) - half),
            ]
        )

    def _draw_ends(self) -> None:
        size = (self._narrowest, _HEIGHT)
        for x, row, text in (
            (self._left, 0, _ENDS[0]),
            (self._right, 0, _ENDS[1]),
            (self._right, 1, _OUTPUT),
        ):
            face = "white" if text == _OUTPUT else PALE
            add_box(self._axes, (x, self._y(row)), size, face, GREY)
            add_label(self._axes, (x, self._y(row)), text)

    def _draw_layer(self, row: int, layer: Layer) -> None:
        y, width = self._y(row), self._width(layer)
        colour = BLUE if layer.type.skip else ORANGE
        for x, decodes in ((self._left, False), (self._right, True)):
            add_box(self._axes, (x, y), (width, _HEIGHT), tint(colour, 0.11), colour)
            add_label(self._axes, (x, y), _label(layer, decodes))
        if layer.type.skip:
            ends = ((self._left + width / 2, y), (self._right - width / 2, y))
            add_arrow(self._axes, ends, BLUE)
        self._note(self._numbers_end, row, _number(layer))

    def _draw_sizes(self) -> None:
        """Pixels of the image, and of the map of each layer that changes them."""
        before = None
        for i, size in enumerate(self._chain.sizes):
            if size != before:
                self._note(self._sizes_end, i + 1 if i else 0, _pixels(size))
            before = size

    def _width(self, layer: Layer) -> float:
        return self._narrowest + _SPREAD * layer.channels / self._most

    def _note(self, right: float, row: int, text: str) -> None:
        add_label(self._axes, (right, self._y(row)), text, MUTED, CAPTION_TEXT, side="right")

    def _arrow(self, points: Sequence[Point]) -> None:
        add_arrow(self._axes, points, GREY)


def _label(layer: Layer, decodes: bool = False) -> str:
    """As "3x3 down, 128", in the decoder "3x3 up, 128"."""
    kernel = f"{layer.type.kernel}{_TIMES}{layer.type.kernel}"
    change = "" if layer.type.skip else " up" if decodes else " down"
    return f"{kernel}{change}, {layer.channels}"


def _number(layer: Layer) -> str:
    return f"layer {layer.index}"


def _pixels(size: int) -> str:
    return f"{size}{_TIMES}{size}"


def _caption(chain: Chain) -> list[str]:
    """What there is to be said of what is drawn."""
    lines = [_BOXES] if chain.layers else []
    if any(layer.type.skip for layer in chain.layers):
        lines.append(_SKIPS)
    if chain.passed:
        lines.append(f"{_PASSED} {', '.join(map(_number, chain.passed))}.")
    return lines


def _widest(texts: Sequence[str], size: float) -> float:
    return max((text_width(text, font(size)) for text in texts), default=0.0)
