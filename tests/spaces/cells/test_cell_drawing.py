"""The picture of the cells shows what was laid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.transforms import Bbox

from pdas.spaces.base import FAMILIES
from pdas.spaces.cells.drawing import cells_figure, operation_colours
from pdas.spaces.cells.graph import read_cell
from pdas.spaces.cells.space import CELL_TYPES

TIMES = "\N{MULTIPLICATION SIGN}"
Cells = Callable[..., dict[str, str]]


def text_boxes(figure: Figure) -> dict[str, list[Bbox]]:
    """Where every text stands, in pixels."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes: dict[str, list[Bbox]] = {}
    for text in figure.axes[0].texts:
        if text.get_text():
            boxes.setdefault(text.get_text(), []).append(text.get_window_extent(renderer))
    return boxes


@pytest.fixture
def render() -> Callable[[dict[str, str]], Figure]:
    def draw(architecture: dict[str, str]) -> Figure:
        figure = cells_figure(architecture)
        FigureCanvasAgg(figure).draw()
        return figure

    return draw


@pytest.mark.parametrize(("nodes", "widest"), [(1, 8), (3, 12), (5, 16), (8, 24)])
def test_drawing_has_a_sensible_size(random_cells: Cells, nodes: int, widest: float) -> None:
    drawing = FAMILIES["cells"].drawing(random_cells(nodes, 3))
    assert drawing is not None
    width, height = drawing.figure.get_size_inches()
    assert 4 < width < widest
    assert 2.5 < height < 14


@pytest.mark.parametrize("seed", range(4))
def test_each_operation_is_written_once_and_identities_are_dashed(
    random_cells: Cells, render: Callable[[dict[str, str]], Figure], seed: int
) -> None:
    architecture = random_cells(5, seed)
    edges = [edge for name in CELL_TYPES for edge in read_cell(architecture, name).edges]
    figure = render(architecture)
    written = {text: len(boxes) for text, boxes in text_boxes(figure).items()}
    expected = Counter(
        edge.operation.replace("_", " ").replace("3x3", f"3{TIMES}3").replace("5x5", f"5{TIMES}5")
        for edge in edges
    )
    assert {text: written.get(text, 0) for text in expected} == expected
    assert written["prev"] == written["prev_prev"] == written["concat"] == 2
    patches = figure.axes[0].patches
    identities = sum(edge.operation == "identity" for edge in edges)
    dashed = [
        patch
        for patch in patches
        if patch.get_linestyle() != "-" and patch.get_linestyle() != "solid"
    ]
    assert sum(isinstance(patch, FancyBboxPatch) for patch in dashed) == identities
    assert sum(isinstance(patch, PathPatch) for patch in dashed) == 2 * identities
    assert sum(isinstance(patch, Circle) for patch in patches) == 10


@pytest.mark.parametrize("nodes", [1, 3, 5, 8])
def test_texts_stay_in_their_boxes_and_off_each_other(
    random_cells: Cells, render: Callable[[dict[str, str]], Figure], nodes: int
) -> None:
    operations = ("identity", "a_very_long_operation_7x7", "op")
    for seed in range(3):
        figure = render(random_cells(nodes, seed, operations))
        texts = [box for boxes in text_boxes(figure).values() for box in boxes]
        for i, box in enumerate(texts):
            assert not any(box.overlaps(other) for other in texts[i + 1 :])
        frames = [
            p.get_window_extent() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)
        ]
        for label, boxes in text_boxes(figure).items():
            if label in {"op", "identity", f"a very long operation 7{TIMES}7", "prev_prev"}:
                for box in boxes:
                    assert any(contains(frame, box) for frame in frames)


def contains(outer: Bbox, inner: Bbox) -> bool:
    return (
        outer.x0 < inner.x0 and inner.x1 < outer.x1 and outer.y0 < inner.y0 and inner.y1 < outer.y1
    )


def test_labels_are_never_read_as_formulas(
    random_cells: Cells, render: Callable[[dict[str, str]], Figure]
) -> None:
    figure = render(random_cells(2, 0, ("$\\frac$", "a$b$")))
    assert {"$\\frac$", "a$b$"} & set(text_boxes(figure))


def test_operations_have_colours_of_their_own() -> None:
    names = ["identity", "sep_conv_3x3", "dil_conv", "zero", "sep_conv_5x5"]
    colours = operation_colours(names)
    assert len({colours[name] for name in names}) == len(names)
    assert colours["identity"] == operation_colours(["identity"])["identity"]


def test_drawing_registers_no_figure_with_pyplot(random_cells: Cells) -> None:
    FAMILIES["cells"].drawing(random_cells(3, 0))
    assert not Gcf.figs
