"""The plot of values over seeds: a dot for each value, and a line as long as the interval."""

from __future__ import annotations

import pytest

from pdas.drawing.spread_plot import MOST, Spread, spread_figure
from pdas.drawing.style import LEAST_TEXT


def test_dots_mean_and_interval_are_where_the_numbers_are() -> None:
    rows = [Spread("pdas", [2.0, 3.0, 4.0], (1.5, 4.5)), Spread("$random$", [5.0])]
    figure = spread_figure(rows, "test error, %")
    (axes,) = figure.axes
    interval, dots, middle, lonely, _ = (line.get_xdata().tolist() for line in axes.lines)
    assert (interval, dots, middle, lonely) == ([1.5, 4.5], [2, 3, 4], [3], [5])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["pdas", "$random$"]
    figure.draw_without_rendering()
    for text in (*axes.get_yticklabels(), *axes.get_xticklabels(), axes.xaxis.label):
        assert text.get_fontsize() >= LEAST_TEXT
        assert text.get_window_extent().x0 >= 0 and text.get_window_extent().y0 >= 0


@pytest.mark.parametrize("count", [1, MOST + 20])
def test_rows_are_bounded(count: int) -> None:
    figure = spread_figure([Spread(str(i), [float(i)]) for i in range(count)], "loss")
    assert len(figure.axes[0].get_yticks()) == min(count, MOST)
