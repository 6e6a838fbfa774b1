"""`pdas watch` and `pdas report --follow`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Pdas, interrupt

MakeRun = Callable[..., Path]


def old(run: Path) -> Path:
    """The run as long after its last change."""
    for path in run.rglob("*"):
        os.utime(path, ns=(0, 0))
    return run


def stopped(run: Path) -> Path:
    """The run as if it had been killed during its search."""
    (run / "architecture.json").unlink()
    return old(run)


def test_a_finished_run_is_shown_with_its_results(pdas: Pdas, make_run: MakeRun) -> None:
    status, out, err = pdas("watch", old(make_run()))
    assert (status, err) == (0, "")
    assert "finished" in out and "test error" in out and "97%" in out


def test_a_run_that_has_not_begun_is_said_to_be_so(pdas: Pdas, tmp_path: Path) -> None:
    status, out, err = pdas("watch", "later")
    assert (status, err) == (0, "")
    assert "has not begun" in out


def test_a_killed_run_is_one_line_and_status_2(pdas: Pdas, make_run: MakeRun) -> None:
    run = stopped(make_run(errors=()))
    for words in (["watch", run], ["report", run, "--follow"]):
        status, _, err = pdas(*words)
        assert status == 2
        expected = f"pdas: run: {run}: search is not finished, and no process is at work"
        assert err == f"{expected}; continue by its command with --resume, or by the same call\n"
    assert (run / "report.html").exists()


def test_the_report_of_a_finished_run_is_written_once(pdas: Pdas, make_run: MakeRun) -> None:
    run = old(make_run())
    status, out, err = pdas("report", run, "--follow")
    assert (status, err) == (0, "")
    assert str(run / "report.html") in out.replace("\n", "") and "test error" in out
    assert "refresh" not in (run / "report.html").read_text(encoding="utf-8")[:4096]


@pytest.mark.parametrize("words", [["watch", "later"], ["report", "later", "--follow"]])
def test_ctrl_c_ends_either_with_one_line(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr("pdas.watching.snapshot.Watcher.snapshot", interrupt)
    status, _, err = pdas(*words)
    assert (status, err) == (130, "pdas: interrupted\n")


def test_an_interval_of_nothing_is_refused(pdas: Pdas) -> None:
    assert pdas("watch", "later", "--interval", "0")[0] == 2
