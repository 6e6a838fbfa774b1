"""A snapshot of a run in windows of any size."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from pdas.report.reader import NamedTheta
from pdas.runs.progress import StageProgress
from pdas.space.decided import ThetaHistory
from pdas.watching.snapshot import Phase, Snapshot
from pdas.watching.view import View, curve


def large(variables: int = 30) -> Snapshot:
    """A search of many variables with long names."""
    sizes = np.full(variables, 3)
    theta = np.tile([0.1, 0.75, 0.15], variables)[None]
    history = ThetaHistory(np.array([0.0]), theta, sizes, np.full(variables, 0.9))
    names = [f"normal/node{i}/operation" for i in range(variables)]
    labels = [["identity", "sep_conv_3x3", "avg_pool_3x3"]] * variables
    epochs = np.arange(1.0, 41.0)
    return Snapshot(
        path=Path("runs/a-run"),
        phase=Phase.RUNS,
        stage="search",
        is_at_work=True,
        silence=3.0,
        progress=StageProgress("steps", 30, 120, 93.0, {"loss": 0.5, "eta": 0.01}),
        columns={"step": epochs, "loss": 1 / epochs, "decided": epochs / 100},
        theta=NamedTheta(history, names, labels),
    )


def lines(found: Snapshot, width: int, height: int | None = None, **options: object) -> list[str]:
    """What a window of this size shows."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, **options)  # type: ignore[arg-type]
    console.print(View(found, height))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [1, 5, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 3, 8, 24, 60, None])
def test_no_line_is_wider_and_no_window_is_overfull(width: int, height: int | None) -> None:
    shown = lines(large(), width, height)
    assert all(cell_len(line) <= width for line in shown)
    assert height is None or len(shown) <= height
    assert shown


def test_a_window_has_the_stage_the_time_the_measures_and_each_variable() -> None:
    shown = lines(large(3), 80)
    assert shown[0] == "a-run  search"
    assert shown[1] == "step 30 of 120, about 90 s left"
    assert shown[2].count("█") == 20 and shown[2].count("░") == 60
    loss = next(line for line in shown if line.startswith("loss"))
    assert "0.5000" in loss and loss.rstrip().endswith("▁")  # falls to its least
    assert next(line for line in shown if "decided" in line).rstrip().endswith("█")
    variables = [line.split() for line in shown if line.startswith("normal")]
    assert [(each[0], each[1], each[-1]) for each in variables] == [
        (f"normal/node{i}/operation", "sep_conv_3x3", "75%") for i in range(3)
    ]


def test_the_names_of_variables_outlive_the_rest_of_a_narrow_window() -> None:
    shown = lines(large(3), 40)
    assert [line for line in shown if "75%" in line and "/node2/operation" in line]
    narrow = lines(large(3), 20)
    assert len([line for line in narrow if line.rstrip().endswith("75%")]) == 3


@pytest.mark.parametrize(("width", "height"), [(80, 16), (100, 16), (40, 12)])
def test_what_does_not_fit_is_counted(width: int, height: int) -> None:
    shown = lines(large(), width, height)
    named = sum(line.count("75%") for line in shown)
    assert shown[-1].strip() == f"and {30 - named} more"


def test_a_wide_window_has_all_in_columns() -> None:
    shown = lines(large(), 200, 24)
    assert sum(line.count("75%") for line in shown) == 30
    assert "more" not in shown[-1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"phase": Phase.NOT_BEGUN, "stage": ""}, "has not begun"),
        ({"phase": Phase.FINISHED}, "finished"),
        (
            {"phase": Phase.STOPPED, "silence": 200.0},
            "no process is at work, and no news for 3 min",
        ),
        ({"is_at_work": False, "silence": 30.0}, "no process is at work here; no news for 30 s"),
        ({"silence": 300.0}, "no news for 5 min"),
        (
            {"progress": StageProgress("finalists", 2, 8, None, {})},
            "trainings of finalists: 2 of 8",
        ),
        ({"progress": None}, "at work"),
        ({"progress": None, "is_at_work": False}, "between two stages"),
        ({"damage": ["x: damaged"]}, "x: damaged"),
        ({"silence": 60.0}, "about 30 s left"),
    ],
)
def test_where_a_run_is_comes_in_words(changes: dict[str, object], expected: str) -> None:
    shown = " ".join(lines(replace(large(2), **changes), 80))  # type: ignore[arg-type]
    assert expected in shown


def test_a_run_without_a_process_has_no_time_left() -> None:
    shown = lines(replace(large(2), is_at_work=False, silence=30.0), 80)
    assert shown[1] == "step 30 of 120"


def test_without_theta_and_measures_there_is_the_state_alone() -> None:
    snapshot = Snapshot(Path("runs/a"), Phase.NOT_BEGUN)
    assert lines(snapshot, 60) == ["a", "has not begun: waits for its config.yaml"]


def test_a_terminal_of_ascii_gets_ascii() -> None:
    """But for letters of names, which the streams of the command write out."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    Console(file=stream, width=60).print(View(large()))
    stream.flush()
    shown = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "###---" in shown
    assert set(re.findall(r"\\u\w{4}", shown)) == {r"\u03b7", r"\u03b8"}  # eta and theta


def test_names_are_shown_without_their_escapes() -> None:
    snapshot = large(1)
    assert snapshot.theta is not None
    evil = replace(snapshot.theta, names=["\x1b[31mred"], labels=[["[b]", "\x1b[2J", "c"]])
    shown = "\n".join(lines(replace(snapshot, theta=evil, path=Path("\x1b[31m")), 80))
    assert "\x1b" not in shown and "\\x1b[31mred" in shown


def test_a_curve_goes_from_its_least_to_its_most() -> None:
    assert curve(np.array([0.0, 1.0, np.nan, 0.5]), 10) == "▁█ ▅"
    assert curve(np.linspace(0, 1, 100), 8) == "▁▂▃▄▅▆▇█"
    assert curve(np.array([2.0, 2.0]), 10) == "▁▁"
    assert curve(np.array([np.nan]), 10) == curve(np.empty(0), 10) == ""


def test_the_runs_of_the_tests_are_shown(make_run: Callable[..., Path]) -> None:
    from pdas.watching.snapshot import Watcher

    for method in ("pdas", "random"):
        assert lines(Watcher(make_run(method, method=method)).snapshot(), 40)
