"""`progress.json`, read and written."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from pdas.runs.progress import FILE, StageProgress
from pdas.runs.progress import parse_progress as parse
from pdas.runs.run import Run
from pdas.support.errors import RunError

PROGRESS = StageProgress("steps", 3, 10, 12.5, {"loss": 0.25})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    for progress in (PROGRESS, replace(PROGRESS, part="finalists", seconds_left=None)):
        Run(tmp_path).write_json(FILE, progress.to_json())
        assert Run(tmp_path).read(FILE, parse) == progress


def test_what_is_not_finite_is_left_out() -> None:
    measures = {"loss": math.nan, "eta": 0.5, "theta_loss": math.inf}
    assert replace(PROGRESS, measures=measures).to_json()["measures"] == {"eta": 0.5}


@pytest.mark.parametrize(
    "change",
    [
        {"part": "nap"},
        {"done": "3"},
        {"total": -1},
        {"seconds_left": -1.0},
        {"seconds_left": "soon"},
        {"measures": [1.0]},
        {"measures": {"loss": "low"}},
    ],
)
def test_anything_else_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    content = json.dumps({**PROGRESS.to_json(), **change})
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match="holds no progress"):
        Run(tmp_path).read(FILE, parse)
