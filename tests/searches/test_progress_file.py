"""What a running stage writes of its progress."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from pdas.runs.progress import FILE, StageProgress, parse_progress
from pdas.runs.run import Run
from pdas.searches.finalists import Finalist
from pdas.searches.progress_file import SECONDS, ProgressFile, progress_file
from pdas.space import Architecture
from pdas.training.loop import Progress


def step(number: int, left: float | None = 50.0) -> Progress:
    return Progress(number, 1, 9, {"loss": 1 / number}, None, 1.0, left)


def written(path: Path) -> StageProgress:
    return Run(path).read(FILE, parse_progress)


def test_a_step_is_written_and_told_and_one_soon_afterwards_only_told(tmp_path: Path) -> None:
    now = [100.0]
    told: list[int] = []
    file = ProgressFile(Run(tmp_path), lambda: now[0])
    on_step = file.on_step(lambda progress: told.append(progress.step) or progress.step == 3)
    assert on_step(step(1)) is False
    assert written(tmp_path) == StageProgress("steps", 1, 9, 50.0, {"loss": 1.0})
    now[0] += SECONDS / 2
    on_step(step(2))
    assert written(tmp_path).done == 1
    now[0] += SECONDS / 2
    assert on_step(step(3, None)) is True
    # Without a new forecast the last one holds, less the time since.
    assert written(tmp_path) == StageProgress("steps", 3, 9, 50 - SECONDS / 2, {"loss": 1 / 3})
    assert told == [1, 2, 3]


def test_finalists_follow_the_steps(tmp_path: Path) -> None:
    now, told = [0.0], []
    file = ProgressFile(Run(tmp_path), lambda: now[0])
    file.on_step(lambda progress: None)(step(1))
    on_trial = file.on_trial(lambda *trials: told.append(trials))
    none = cast(Architecture, None)
    trained = [Finalist(none, loss=1.0, steps=4), Finalist(none, loss=2.0)]
    for number, finalists in enumerate([[Finalist(none)] * 2, trained]):
        now[0] += 10.0
        on_trial(finalists, number, 2)
        assert written(tmp_path) == StageProgress(
            "finalists", number, 2, [40.0, 10.0][number], {"loss": 1.0}
        )
    assert len(told) == 2


def test_the_file_is_gone_with_the_stage_however_it_ends(tmp_path: Path) -> None:
    for error in (None, KeyboardInterrupt):
        try:
            with progress_file(Run(tmp_path)) as file:
                file.on_step(lambda progress: None)(step(1))
                assert (tmp_path / FILE).exists()
                if error is not None:
                    raise error
        except KeyboardInterrupt:
            pass
        assert not (tmp_path / FILE).exists()


def test_other_ranks_write_and_remove_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("of the first rank", encoding="utf-8")
    with progress_file(Run(tmp_path, writes=False)) as file:
        file.on_step(lambda progress: None)(step(1))
    assert (tmp_path / FILE).read_text(encoding="utf-8") == "of the first rank"


def test_a_training_goes_on_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ProgressFile(Run(tmp_path / "nowhere"))
    assert file.on_step(lambda progress: True)(step(1)) is True
