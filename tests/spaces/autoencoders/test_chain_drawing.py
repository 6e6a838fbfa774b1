"""The picture of an auto-encoder shows the layers of the network, and nothing overlaps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.transforms import Bbox
from torch import nn

from pdas.drawing.style import BLUE
from pdas.spaces.autoencoders.chain import read_chain
from pdas.spaces.autoencoders.drawing import chain_figure
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.base import FAMILIES

Chains = Callable[..., dict[str, Any]]
SHAPES = [
    (20, 0, True, 28),
    (20, 1, True, 64),
    (20, 2, False, 64),
    (8, 3, False, None),
    (1, 4, True, 64),
]

Drawn = tuple[AutoencoderNetwork, Figure]


@pytest.fixture(params=SHAPES, ids=str)
def drawn(request: pytest.FixtureRequest, random_chain: Chains) -> Drawn:
    layers, seed, straight, size = request.param
    architecture = random_chain(layers, seed, straight)
    figure = chain_figure(read_chain(architecture, size))
    FigureCanvasAgg(figure).draw()
    pixels = 1 << 30 if size is None else size
    return AutoencoderNetwork(architecture, 3, (pixels, pixels)), figure


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.axes[0].texts]


def boxes(figure: Figure) -> list[Bbox]:
    return [p.get_window_extent() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]


def arrows(figure: Figure) -> list[tuple[str, Bbox]]:
    """The colour of every arrow, and where it is."""
    to_pixels = figure.axes[0].transData
    return [
        (to_hex(patch.get_edgecolor()), patch.get_path().get_extents(to_pixels))
        for patch in figure.axes[0].patches
        if isinstance(patch, FancyArrowPatch)
    ]


def label(convolution: nn.Module, change: str) -> str:
    assert isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d)
    height, width = convolution.kernel_size
    change = f" {change}" if convolution.stride == (2, 2) else ""
    return f"{height}\N{MULTIPLICATION SIGN}{width}{change}, {convolution.out_channels}"


def test_boxes_are_the_convolutions_of_the_network(
    drawn: Drawn,
) -> None:
    network, figure = drawn
    middles = [(text, (box.x0 + box.x1) / 2, box.y0) for text, box in texts(figure)]
    ends = {text: x for text, x, _ in middles if text in ("masked image", "restored image")}
    for end, modules, change in (
        ("masked image", list(network.encoder), "down"),
        ("restored image", list(network.decoder)[::-1], "up"),
    ):
        column = sorted((-y, text) for text, x, y in middles if abs(x - ends[end]) < 2)
        written = [text for _, text in column if "image" not in text]
        assert written == [label(module, change) for module in modules]


def test_skip_connections_are_level_and_between_mirrors(
    drawn: Drawn,
) -> None:
    network, figure = drawn
    skips = [box for colour, box in arrows(figure) if colour == BLUE]
    strides = [module.stride for module in network.encoder if isinstance(module, nn.Conv2d)]
    assert len(skips) == strides.count((1, 1))
    for skip in skips:
        middle = (skip.y0 + skip.y1) / 2
        row = [box for box in boxes(figure) if box.y0 < middle < box.y1]
        left, right = sorted(row, key=lambda box: box.x0)
        assert skip.height < 20  # that of its head
        assert middle == pytest.approx((left.y0 + left.y1) / 2, abs=1)
        assert (skip.x0, skip.x1) == pytest.approx((left.x1, right.x0), abs=4)


def test_width_of_a_box_grows_with_its_channels(
    drawn: Drawn,
) -> None:
    _, figure = drawn
    widths: dict[int, set[float]] = {}
    for text, at in texts(figure):
        channels = text.rpartition(", ")[2]
        frames = [box for box in boxes(figure) if box.contains(*at.get_points().mean(axis=0))]
        if channels.isdigit() and frames:
            widths.setdefault(int(channels), set()).add(round(frames[0].width))
    assert all(len(found) == 1 for found in widths.values())
    ordered = [found.pop() for _, found in sorted(widths.items())]
    assert ordered == sorted(set(ordered))


def test_nothing_overlaps_and_all_is_within_the_picture(
    drawn: Drawn,
) -> None:
    _, figure = drawn
    written, frames = [box for _, box in texts(figure)], boxes(figure)
    for some in (written, frames):
        assert not any(one.overlaps(other) for one, other in combinations(some, 2))
    for text in written:
        for frame in frames:
            assert not text.overlaps(frame) or inside(text, frame)
    assert all(inside(box, figure.bbox) for box in written + frames)
    for _, arrow in arrows(figure):
        assert not any(arrow.overlaps(text) for text in written)


def inside(inner: Bbox, outer: Bbox) -> bool:
    return (
        outer.x0 < inner.x0 and inner.x1 < outer.x1 and outer.y0 < inner.y0 and inner.y1 < outer.y1
    )


def test_image_without_a_layer_is_drawn_too(random_chain: Chains) -> None:
    labels = random_chain(2, 0) | {"output/from": 0}
    drawing = FAMILIES["autoencoders"].drawing(labels)
    assert drawing is not None and "auto-encoder" in drawing.caption
    assert not Gcf.figs


def test_layers_that_are_passed_over_are_named(random_chain: Chains) -> None:
    kinds = {f"layer{i}/type": "3x3_down" for i in range(1, 9)}
    chain = read_chain(random_chain(8, 0, straight=True) | kinds, 28)
    written = [text.get_text() for text in chain_figure(chain).axes[0].texts]
    assert "5 of 8 layers in use" in written
    assert any(text.endswith("already: layer 6, layer 7, layer 8.") for text in written)
