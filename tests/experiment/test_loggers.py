"""What a logger is told of every epoch, read back from its files."""

from __future__ import annotations

import csv
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from pdas.experiment import loggers
from pdas.experiment.experiment import Experiment
from pdas.experiment.loggers import epoch_log
from pdas.runs.run import Run
from pdas.support.errors import SettingError
from tests.waiting import wait_for

ROWS = [{"step": 10 * epoch, "epoch": epoch, "loss": 1 / epoch} for epoch in (1, 2, 3)]


def scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name, of all event files."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(directory / "tensorboard"))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_tensorboard_has_what_metrics_csv_has(experiment: Experiment, tmp_path: Path) -> None:
    logged = replace(experiment, logger="tensorboard")
    run = logged.search(tmp_path / "run")
    retrained = logged.retrain(run)
    for directory, stage in ((run.path, "search"), (retrained.path, "retrain")):
        with (directory / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 2
        found = scalars(directory)
        assert set(found) == {f"{stage}/{name}" for name in rows[0] if name != "step"}
        for name, values in found.items():
            column = name.removeprefix(f"{stage}/")
            expected = [(int(row["step"]), pytest.approx(float(row[column]))) for row in rows]
            assert values == expected


def test_a_stage_that_goes_on_has_every_epoch_once(tmp_path: Path) -> None:
    with epoch_log("tensorboard", tmp_path, "search") as log:
        log(ROWS[:1])
        log(ROWS[:2])
    with epoch_log("tensorboard", tmp_path, "search") as log:  # from a checkpoint of epoch 1
        log(ROWS[:1])
        log(ROWS[:2])
        log(ROWS)
    steps = [step for step, _ in scalars(tmp_path)["search/loss"]]
    assert steps == [10, 20, 30]


def test_tensorboard_removes_its_own_events_only(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").mkdir()
    own, mine = (tmp_path / "tensorboard" / name for name in ("events.out.tfevents.1", "note.txt"))
    own.touch()
    mine.touch()
    with epoch_log("tensorboard", tmp_path, "search"):
        pass
    assert mine.exists() and not own.exists()


def test_wandb_has_every_epoch_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    pytest.importorskip("pytorch_lightning")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for _ in range(2):  # one after the other, in one process
        with epoch_log("wandb", tmp_path, "search") as log:
            log(ROWS[:2])
            log(ROWS)
    files = list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2 and wandb.run is None
    for file in files:  # which W&B's own process writes
        wait_for(lambda file=file: file.read_bytes().count(b"search/loss") >= len(ROWS))


def test_wandb_without_a_login_is_one_line_and_leaves_nothing(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    pytest.importorskip("pytorch_lightning")

    def refuse(**settings: object) -> None:
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "init", refuse)
    message = r"--logger: found that W&B does not begin \(No API key configured\.\); `wandb login`"
    with pytest.raises(SettingError, match=message):
        replace(experiment, logger="wandb").search(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", loggers.LOGGERS)
def test_a_logger_that_is_not_installed_is_named_with_the_command(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda module: None)
    with pytest.raises(SettingError, match=f"found '{name}', which needs .*'pdas-nas.{name}.'"):
        replace(experiment, logger=name)


def test_a_logger_that_there_is_not_is_refused(experiment: Experiment) -> None:
    with pytest.raises(SettingError, match="--logger: found 'x', expected one of tensorboard, w"):
        replace(experiment, logger="x")


def test_the_stages_are_logged(
    experiment: Experiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="pdas")
    run: Run = experiment.search(tmp_path / "run")
    experiment.retrain(run)
    lines = [record.getMessage() for record in caplog.records]
    others = ("checkpoint: ", "kernels: ")
    stages = [line.split(" in ")[0] for line in lines if not line.startswith(others)]
    assert stages == ["search: begins", "search: ended", "retraining: begins", "retraining: ended"]
    assert sum("step-000000001.ckpt written" in line for line in lines) == 2
    caplog.clear()
    experiment.search(run.path, resume=True)  # is finished
    assert all(record.getMessage().startswith("kernels: ") for record in caplog.records)
