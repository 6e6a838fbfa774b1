"""The drawing of a network: every text is in it, within its size, and boxes hold what is inside."""

from __future__ import annotations

from matplotlib.patches import FancyBboxPatch
from torch import nn

from pdas.drawing.modules.figure import modules_figure, modules_words
from pdas.drawing.style import LEAST_TEXT
from pdas.drawing.svg import svg_text
from pdas.nn import Choice, Linear, OptionalLayer, Supernet, Value
from pdas.nn.overview.tree import overview

HOSTILE = "<script>$x_1$</script>"


def net() -> Supernet:
    width = Value("width", [2, 8, 32])
    acts = Choice("act", {HOSTILE: nn.ReLU(), "tanh": nn.Tanh()})
    hidden = OptionalLayer("hidden", Linear(width, width))
    return Supernet(nn.Sequential(Linear(64, width), acts, hidden, Linear(width, 10)))


def test_texts_are_drawn_large_enough_and_within_the_figure() -> None:
    found = overview(net())
    labels = {"width": 8, "act": HOSTILE, "hidden": False}
    figure = modules_figure(found, labels, {"act": [0.75, 0.25]})
    texts = figure.axes[0].texts
    shown = [text.get_text() for text in texts]
    assert f"{HOSTILE}  0.75" in shown and "Linear, out_features = width = 8" in shown
    assert min(text.get_fontsize() for text in texts) >= LEAST_TEXT
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width, text


def test_boxes_are_within_each_other_or_apart() -> None:
    figure = modules_figure(overview(net()), {"width": 8, "act": "tanh", "hidden": True})
    boxes = [p.get_extents() for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            apart = not one.overlaps(other)
            within = other.y0 <= one.y0 and one.y1 <= other.y1
            assert apart or within


def test_the_file_holds_no_markup_of_a_name() -> None:
    text = svg_text(modules_figure(overview(net()), {"act": HOSTILE}))
    assert "&lt;script&gt;" in text and "<script>" not in text


def test_words_name_what_is_chosen() -> None:
    words = modules_words(overview(net()), {"width": 8, "act": "tanh"})
    assert "Sequential" in words and "width: 8, act: tanh" in words
