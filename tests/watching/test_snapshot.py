"""Where a run is, from its files and their locks alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pdas.runs.progress import FILE, StageProgress
from pdas.support.errors import RunError
from pdas.support.files import locked_directory
from pdas.watching import snapshot as watching
from pdas.watching.snapshot import PATIENCE, Phase, Snapshot, Watcher

MakeRun = Callable[..., Path]
SOON, LATE = 1.0, 10 * PATIENCE  # seconds after the last change


def snapshot(run: Path, seconds: float = LATE) -> Snapshot:
    """A snapshot so many seconds after the last change."""
    return Watcher(run, lambda: time.time() + seconds).snapshot()


def unfinished(run: Path) -> Path:
    """The run as while it is searched."""
    (run / "architecture.json").unlink()
    (run / "search.json").unlink()
    (run / FILE).write_text(json.dumps(PROGRESS.to_json()), encoding="utf-8")
    return run


PROGRESS = StageProgress("steps", 40, 100, 90.0, {"loss": 0.5, "decided": 0.9})


def test_a_run_that_is_not_there_has_not_begun(tmp_path: Path) -> None:
    assert snapshot(tmp_path / "nowhere").phase is Phase.NOT_BEGUN
    assert snapshot(tmp_path).phase is Phase.NOT_BEGUN


def test_a_search_under_a_lock_runs_however_long_it_is_silent(make_run: MakeRun) -> None:
    run = unfinished(make_run(errors=()))
    with locked_directory(run):
        found = snapshot(run)
    assert found.phase is Phase.RUNS and found.is_at_work and found.stage == "search"
    assert found.progress == PROGRESS
    assert found.silence == pytest.approx(LATE, abs=5)
    assert found.columns["step"].tolist() == [10, 20, 30, 40]
    assert found.theta is not None and list(found.theta.names) == ["a", "b", "c"]


def test_without_a_lock_it_is_stopped_after_a_silence(make_run: MakeRun) -> None:
    run = unfinished(make_run(errors=()))
    assert snapshot(run, SOON).phase is Phase.RUNS
    found = snapshot(run)
    assert found.phase is Phase.STOPPED and found.is_at_work is False and found.progress is None


def test_a_retraining_is_a_stage_of_its_own(
    make_run: MakeRun, add_retraining: Callable[..., Path]
) -> None:
    run = make_run(errors=())
    inner = add_retraining(run, 3, {}, {"name": "digits"})
    (inner / "result.json").unlink()
    with locked_directory(inner):
        found = snapshot(run)
    assert (found.phase, found.stage) == (Phase.RUNS, "retrain-3")
    found = snapshot(run)
    assert (found.phase, found.stage) == (Phase.STOPPED, "retrain-3")


def test_what_is_complete_is_finished_after_a_silence_or_with_the_last_page(
    make_run: MakeRun,
) -> None:
    """Between a search and its retraining nobody has a lock."""
    run = make_run()
    assert snapshot(run).phase is Phase.FINISHED
    assert snapshot(run, SOON).phase is Phase.RUNS
    page = run / "report.html"
    page.write_text('<!DOCTYPE html><meta http-equiv="refresh" content="10">', encoding="utf-8")
    assert snapshot(run, SOON).phase is Phase.RUNS
    page.write_text("<!DOCTYPE html>", encoding="utf-8")
    assert snapshot(run, SOON).phase is Phase.FINISHED
    os.utime(page, ns=(0, 0))  # that of an earlier stage
    assert snapshot(run, SOON).phase is Phase.RUNS


def test_a_method_without_theta_has_none(make_run: MakeRun) -> None:
    found = snapshot(make_run(method="random"))
    assert found.theta is None and not found.columns and not found.damage


@pytest.mark.parametrize("name", ["metrics.csv", "theta.npz", FILE, "config.yaml"])
def test_a_damaged_file_is_told_and_the_rest_is_shown(make_run: MakeRun, name: str) -> None:
    run = unfinished(make_run(errors=()))
    (run / name).write_bytes(b"\x00{")
    with locked_directory(run):
        found = snapshot(run)
    assert found.phase is Phase.RUNS
    assert [name in line for line in found.damage] == [True]


def test_a_file_that_is_removed_while_it_is_read_is_no_damage(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = unfinished(make_run(errors=()))
    monkeypatch.setattr(watching, "parse_progress", lambda path: path.unlink() or path.read_text())
    with locked_directory(run):
        found = snapshot(run)
    assert found.phase is Phase.RUNS
    assert (found.progress, found.damage) == (None, [])


@pytest.mark.parametrize("place", ["seed-{}", "pdas/seed-{}"])
def test_the_directory_of_several_runs_is_refused_and_one_is_named(
    make_run: MakeRun, tmp_path: Path, place: str
) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    first, second, third = (make_run(place.format(seed)) for seed in range(3))
    with pytest.raises(RunError, match=rf"^run: found {tmp_path}, which holds 3 runs.*{first}$"):
        snapshot(tmp_path)
    for run in (second, third):
        unfinished(run)
    with pytest.raises(RunError, match=f"expected one of them; name {second}$"):
        snapshot(tmp_path)
    with locked_directory(third), pytest.raises(RunError, match=f"name {third}$"):
        snapshot(tmp_path)


def test_a_file_is_read_again_only_where_it_changed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    watcher = Watcher(run)
    first = watcher.snapshot()
    assert watcher.snapshot().theta is first.theta
    os.utime(run / "theta.npz", ns=(1, 1))
    assert watcher.snapshot().theta is not first.theta


def test_a_change_of_any_stage_is_seen_and_a_report_is_none(
    make_run: MakeRun, add_retraining: Callable[..., Path]
) -> None:
    run = make_run(errors=())
    add_retraining(run, 0, {}, {"name": "digits"})
    watcher = Watcher(run)
    before = watcher.changes()
    (run / "report.html").write_text("")
    (run / "architecture.svg").write_text("")
    (run / ".pdas-metrics.csv-0123456789abcdef.part").write_text("")
    assert watcher.changes() == before
    (run / "retrain-0" / "metrics.csv").write_text("step\n")
    assert watcher.changes() != before


def test_links_within_a_run_are_not_followed(make_run: MakeRun) -> None:
    run = make_run(errors=())
    (run / "retrain-9").symlink_to(run, target_is_directory=True)
    assert snapshot(run).stage == "search"
