"""`pdas sweep`, as a user calls it; and what the commands show when they are to be quiet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pdas.experiment import workers
from tests.cli.conftest import CHANGES, Pdas, interrupt


class Here(ThreadPoolExecutor):
    """Takes the place of processes, to be fast."""

    def __init__(self, workers: int, *, environments: object) -> None:
        super().__init__(workers)
        assert environments is None  # without a GPU


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Processes", Here)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)


def test_a_sweep_prints_a_table_and_goes_on_with_more_seeds(pdas: Pdas, tmp_path: Path) -> None:
    status, out, err = pdas("sweep", "digits", "--seeds", "1", *CHANGES)
    assert status == 0 and err == "sweep: seeds 0 begin\nseed 0 is done\n"
    assert "seed 0" in out and "agreement" not in out
    status, out, err = pdas("sweep", "digits", "--seeds", "0,7", *CHANGES)
    assert status == 0 and err.endswith(" begin\nseed 7 is done\n")
    assert "seed 0" in out and "seed 7" in out and "agreement" in out
    folder = tmp_path / "runs" / "digits-sweep"
    assert (folder / "sweep.json").exists() and "digits-sweep/report.html" in out
    page = (folder / "report.html").read_text()
    assert "2 runs that differ in their seeds only." in page
    (folder / "report.html").unlink()
    assert pdas("report", folder) == (0, f"The page is {folder / 'report.html'}.\n", "")
    assert (folder / "report.html").read_text() == page
    status, out, err = pdas("sweep", "digits", *CHANGES, "--set", "search.epochs=3")
    assert status == 2
    assert err.startswith("pdas: search.epochs: found 3, expected 2 as in runs/digits-sweep/seed-0")


def test_seeds_that_fail_are_named_at_the_end(pdas: Pdas, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = ["--seeds", "2", *CHANGES, "--set", "retrain.weight_limit=10", "--out", "empty"]
    status, out, err = pdas("sweep", "digits", *words)
    assert not list((tmp_path / "empty").iterdir())
    first, *lines = err.splitlines()
    assert first == "sweep: seeds 0, 1 begin"
    assert status == 2 and out == ""
    assert sorted(lines[:2]) == ["seed 0 failed", "seed 1 failed"]
    for seed, line in enumerate(lines[2:]):
        assert line.startswith(f"pdas: seed {seed}: retrain.weight_limit: found 10")
    assert len(lines) == 4 and not list(tmp_path.rglob("seed-*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--seeds x", "--seeds: found 'x', expected a number of seeds, as 5, or seeds, as 3,7,11"),
        ("--seeds=", "--seeds: found '', expected a number of seeds, as 5, or seeds"),
        ("--seeds ,", "--seeds: found ',', expected"),
        ("--seeds 0", "--seeds: found '0', expected"),
        ("--seeds 3,3", "--seeds: found [3, 3]"),
        ("--seeds -5", "--seeds: found '-5', expected"),
        ("--seeds 1000000000", "--seeds: found '1000000000', expected"),
        ("--seeds -5,", "--seeds: found [-5], expected different ones from 0"),
        ("--workers 9999", "--workers: found 9999, expected 1 to"),
        ("--logger x", "--logger: found 'x'"),
        ("--log-level x", "--log-level: found 'x'"),
        ("--set data.name=folder", "--data-dir"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    pdas: Pdas, tmp_path: Path, words: str, message: str
) -> None:
    status, _, err = pdas("sweep", "digits", *CHANGES, *words.split())
    assert status == 2 and message in err.splitlines()[-1]
    assert "Traceback" not in err and not (tmp_path / "runs" / "digits-sweep").exists()


def test_an_interrupt_says_how_to_go_on(pdas: Pdas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdas.experiment.sweep.sweep", interrupt)
    status, _, err = pdas("sweep", "digits")
    assert status == 130
    assert err == "pdas: interrupted; run the same command again to continue\n"


def test_quiet_commands_say_nothing_unless_something_is_wrong(pdas: Pdas, tmp_path: Path) -> None:
    assert pdas("run", "digits", "--quiet", *CHANGES) == (0, "", "")
    assert (tmp_path / "runs" / "digits-0" / "report.html").exists()
    assert pdas("sweep", "digits", "--seeds", "1", "--quiet", *CHANGES) == (0, "", "")
    status, out, err = pdas("run", "digits", "--quiet", *CHANGES)
    assert (status, out) == (2, "") and err.count("\n") == 1


def test_logs_of_the_stages_are_shown_on_demand(pdas: Pdas) -> None:
    status, _, err = pdas("search", "digits", "--quiet", "--log-level", "info", *CHANGES)
    run = Path("runs", "digits-0")
    assert status == 0
    kernels, begins, *kept, ended = err.splitlines()
    assert kernels.startswith("pdas: kernels: ")
    assert [begins, ended] == [f"pdas: search: {word} in {run}" for word in ("begins", "ended")]
    assert len(kept) == 2  # of the first step and of the last
    assert all(line.startswith(f"pdas: checkpoint: {run}/checkpoint/step-") for line in kept)
