"""The plot of a retraining shows its loss and what can be good or bad."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pdas.drawing.course_plot import course_axis, course_panels
from pdas.drawing.panels import alone, stacked
from pdas.support.metrics import Metric

METRICS = (Metric("sharpness", "sharpness", "dB", better="higher"), Metric("rate", "rate"))


def test_the_loss_and_what_can_be_good_or_bad_are_drawn_over_the_epochs() -> None:
    columns = {
        "step": np.array([10.0, 20.0]),
        "epoch": np.array([1.0, 2.0]),
        "loss": np.array([3.0, 1.5]),
        "rate": np.array([0.5, 0.25]),
        "sharpness": np.array([7.0, 9.0]),
    }
    assert course_axis(columns) == "epoch"
    panels = stacked(course_panels(columns, METRICS), "epoch", 2).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["loss", "sharpness, dB"]
    assert panels[-1].get_xlabel() == "epoch"
    for panel, name in zip(panels, ("loss", "sharpness"), strict=True):
        (line,) = panel.lines
        np.testing.assert_array_equal(line.get_xdata(), [1, 2])
        np.testing.assert_array_equal(line.get_ydata(), columns[name])


@pytest.mark.parametrize("loss", [[], [np.nan], [np.nan, np.inf]])
def test_a_course_without_values_is_drawn_too(loss: list[float]) -> None:
    columns = {"step": np.arange(float(len(loss))), "loss": np.array(loss)}
    (panel,) = course_panels(columns, ())
    figure = alone(panel, course_axis(columns), columns["step"].max(initial=0))
    FigureCanvasAgg(figure).draw()
    assert figure.get_figwidth() * 96 == pytest.approx(358)
