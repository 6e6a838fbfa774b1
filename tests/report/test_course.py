"""The plot of a retraining shows the figures of its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pdas.report.course import plot_course
from pdas.report.page import write_report
from pdas.runs.run import Run


@pytest.mark.parametrize(
    "text", ["step,epoch,loss\n", "step\n5\n", "step,loss\n1,nan\n2,inf\n", "step,loss\n1,\n"]
)
def test_a_course_without_values_is_drawn_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.csv").write_text(text)
    with Image.open(plot_course(Run(tmp_path), ())) as image:
        assert image.width == 1360


def test_the_page_shows_it(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=(3.0,))
    page = write_report(run).read_text()
    assert "Course of retrain-0" not in page
    (run / "retrain-0" / "metrics.csv").write_text("step,epoch,loss,accuracy\n2,1,1.0,0.5\n")
    assert "Course of retrain-0" in write_report(run).read_text()
    assert (run / "retrain-0" / "course.png").exists()
