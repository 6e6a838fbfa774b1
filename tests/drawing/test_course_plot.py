"""The plot of a retraining shows its loss and what can be good or bad."""

from __future__ import annotations

import numpy as np

from pdas.drawing.course_plot import course_figure
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
    panels = course_figure(columns, METRICS).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["loss", "sharpness, dB"]
    assert panels[-1].get_xlabel() == "epoch"
    for panel, name in zip(panels, ("loss", "sharpness"), strict=True):
        (line,) = panel.lines
        np.testing.assert_array_equal(line.get_xdata(), [1, 2])
        np.testing.assert_array_equal(line.get_ydata(), columns[name])
