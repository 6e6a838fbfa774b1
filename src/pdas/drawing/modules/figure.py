"""The drawing of a network of one's own: boxes in boxes, from the input to the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdas.drawing.modules.overview import Overview
from pdas.drawing.modules.rows import Chip, Row, rows_of, taken_of
from pdas.drawing.shapes import TEXT, add_box, add_caption, add_label, new_drawing
from pdas.drawing.style import BLUE, FAINT, GREY, INK, MUTED, font, text_width, tint

_ROW = 0.26  # inches, the height of a row
_SPACE = 0.05  # below a row, and below the last one in a box
_MARGIN = 0.15
_STEP = 0.16  # of a box within another, on each side
_GAP = 0.1
_PADDING = 0.06
_CHIP = 0.19  # height
_CAPTION = 0.2  # height of a line
_FILL = "#f8f9fa"  # on which grey text can be read
_DASHES = (0, (3.0, 2.0))
_MOST_WORDS = 600  # letters, of the description

_CHOSEN = "Filled: chosen. Dashed: left out."
_PROBABLE = "Filled: chosen, with its probability under theta. Dashed: left out."
_OPEN = "Dashed: the categories of a choice; nothing is chosen yet."
_FOLDED = "\N{MULTIPLICATION SIGN} n: so many equal ones; a probability is the least of theirs."


def modules_figure(
    overview: Overview,
    labels: Mapping[str, object],
    probabilities: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """A network of one's own with what an architecture chose.

    Args:
        overview: of the network.
        labels: of the architecture; none draws the choices alone.
        probabilities: of the categories of each variable, if they are known.
    """
    rows, left_out = rows_of(overview, taken_of(overview, labels, probabilities))
    legend = _legend(rows, left_out)
    widths = [_indent(row) + _length(row) for row in rows]
    depth = max(row.depth for row in rows)
    captions = [text_width(line, font(TEXT)) for line in legend]
    width = max(max(widths) + _STEP * depth + _GAP, *captions, 3.0) + 2 * _MARGIN
    places = _places(rows)
    top = _MARGIN + _CAPTION * len(legend) + _GAP + places[0][1]
    figure, axes = new_drawing(width, top + _MARGIN)
    for row, (start, end) in zip(rows, places, strict=True):
        _add_frame(axes, row, (top - start, top - end), width)
        _add_row(axes, row, top - start - _ROW / 2)
    add_caption(axes, (_MARGIN, _MARGIN), legend, _CAPTION)
    return figure


def modules_words(overview: Overview, labels: Mapping[str, object]) -> str:
    """What the drawing shows, for people who do not see it.

    Args:
        overview: of the network.
        labels: of the architecture.
    """
    chosen = ", ".join(f"{name}: {labels[name]}" for name in overview.variables if name in labels)
    text = f"The modules of {overview.root.kind}; chosen are {chosen or 'none yet'}"
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]} ..."


def _legend(rows: Sequence[Row], left_out: int) -> list[str]:
    """The lines below the drawing."""
    lines = [f"{left_out:,} more lines are not drawn."] if left_out else []
    chips = [chip for row in rows for chip in row.chips]
    if any(chip.probability is not None for chip in chips):
        lines.append(_PROBABLE)
    elif chips:
        lines.append(_CHOSEN if any(chip.is_chosen for chip in chips) else _OPEN)
    return [*lines, _FOLDED] if any(row.times > 1 for row in rows) else lines


def _indent(row: Row) -> float:
    return _MARGIN + _STEP * row.depth + _PADDING


def _length(row: Row) -> float:
    """Of all that stands in a row."""
    total = sum(text_width(text, font(TEXT)) + _GAP for text, _ in _texts(row) if text)
    return total + sum(_chip_length(chip, row) + _GAP / 2 for chip in row.chips)


def _texts(row: Row) -> list[tuple[str, str]]:
    """The texts before the chips, with their colours."""
    times = f"\N{MULTIPLICATION SIGN} {row.times}" if row.times > 1 else ""
    ink = INK if row.is_used else MUTED
    return [(row.name, MUTED), (row.kind, ink), (times, BLUE if row.is_used else MUTED)]


def _chip_text(chip: Chip, row: Row) -> str:
    if chip.probability is None:
        return chip.label
    least = "\N{GREATER-THAN OR EQUAL TO} " if row.times > 1 else ""
    return f"{chip.label}  {least}{chip.probability:.2f}"


def _chip_length(chip: Chip, row: Row) -> float:
    return text_width(_chip_text(chip, row), font(TEXT)) + 2 * _PADDING


def _places(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Where the box of each row begins and ends, downwards from that of the first."""
    starts: list[float] = []
    ends = [0.0] * len(rows)
    open_boxes: list[int] = []
    y = 0.0
    for number in range(len(rows)):
        starts.append(y)
        open_boxes.append(number)
        y += _ROW
        while open_boxes and open_boxes[-1] + rows[open_boxes[-1]].below == number:
            ends[open_boxes.pop()] = y
            y += _SPACE
    return list(zip(starts, ends, strict=True))


def _add_frame(axes: Axes, row: Row, ends: tuple[float, float], width: float) -> None:
    """The box of a module, around all rows inside it."""
    (top, bottom), left = ends, _MARGIN + _STEP * row.depth
    centre, size = (width / 2, (top + bottom) / 2), (width - 2 * left, top - bottom)
    if not row.is_used:
        add_box(axes, centre, size, "none", GREY, _DASHES)
    elif row.below:
        add_box(axes, centre, size, "none", GREY)
    else:
        add_box(axes, centre, size, _FILL, FAINT)


def _add_row(axes: Axes, row: Row, y: float) -> None:
    x = _indent(row)
    for text, colour in _texts(row):
        if text:
            add_label(axes, (x, y), text, colour, side="left")
            x += text_width(text, font(TEXT)) + _GAP
    for chip in row.chips:
        length = _chip_length(chip, row)
        centre, size = (x + length / 2, y), (length, _CHIP)
        if chip.is_chosen:
            add_box(axes, centre, size, tint(BLUE, 0.22), BLUE)
        else:
            add_box(axes, centre, size, "none", GREY, _DASHES)
        colour = INK if chip.is_chosen else MUTED
        add_label(axes, (x + length / 2, y), _chip_text(chip, row), colour)
        x += length + _GAP / 2
