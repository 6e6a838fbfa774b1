"""Which process gets which GPU, and the daemon by which several share one, with a made-up one."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pdas.distributed import gpus
from pdas.distributed.gpus import CONTROL, LOGS, PIPES, VISIBLE, gpu_environments, visible_gpus
from pdas.distributed.processes import Processes
from pdas.support.cores import cores
from tests.waiting import wait_for

# Keeps a file "control" in its directory while it "runs", and a list of what it was told.
FAKE = """#!/bin/sh
directory="${CUDA_MPS_PIPE_DIRECTORY:-TMP/default}"
if [ "$1" = -d ]; then
    echo "start $CUDA_VISIBLE_DEVICES" >>TMP/calls
    FAILURE
    mkdir -p "$directory" && touch "$directory/control"
    exit 0
fi
read -r line
[ -e "$directory/control" ] || { echo "Cannot find MPS control daemon process"; exit 1; }
case "$line" in
    get_default_active_thread_percentage) echo 100.0 ;;
    quit) echo quit >>TMP/calls; rm "$directory/control" ;;
esac
"""

KILLED = """
import logging, sys, time
from pdas.distributed import gpus
gpus.visible_gpus = lambda: ["0"]
gpus._FIRST_NUMBER = "pass"
with gpus.gpu_environments(2):
    print("runs", flush=True)
    time.sleep(120)
"""

Make = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Puts the made-up control program in PATH, and returns the file of its calls."""
    monkeypatch.delenv(PIPES, raising=False)
    monkeypatch.setattr(gpus, "_FIRST_NUMBER", "pass")

    def make(failure: str = ":") -> Path:
        program = tmp_path / "bin" / CONTROL
        program.parent.mkdir()
        program.write_text(FAKE.replace("TMP", str(tmp_path)).replace("FAILURE", failure))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        calls = tmp_path / "calls"
        calls.touch()
        return calls

    return make


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str | None], None]:
    """Says how many GPUs there are, and what the environment says of them."""

    def set_devices(count: int, visible: str | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        if visible is None:
            monkeypatch.delenv(VISIBLE, raising=False)
        else:
            monkeypatch.setenv(VISIBLE, visible)

    return set_devices


def environment_of_process(names: tuple[str, ...]) -> list[str | None]:
    time.sleep(0.5)  # so that another process takes the next call
    return [os.environ.get(name) for name in names]


@pytest.mark.parametrize(
    ("count", "visible", "expected"),
    [
        (0, None, []),
        (2, None, ["0", "1"]),
        (2, "3, 5", ["3", "5"]),
        (1, "GPU-8932f937", ["GPU-8932f937"]),
        (1, "2,-1,3", ["2"]),  # CUDA ends at the first one that is not there
    ],
)
def test_gpus_are_those_that_cuda_shows(
    devices: Callable[..., None], count: int, visible: str | None, expected: list[str]
) -> None:
    devices(count, visible)
    assert visible_gpus() == expected


def test_as_many_processes_as_gpus_have_one_each_and_need_no_daemon(
    devices: Callable[..., None], fake: Make
) -> None:
    calls = fake(":")
    devices(3, "4,2,7")
    with gpu_environments(3) as environments:
        assert environments == [{VISIBLE: "4"}, {VISIBLE: "2"}, {VISIBLE: "7"}]
    with gpu_environments(2) as environments:
        assert environments == [{VISIBLE: "4"}, {VISIBLE: "2"}]
    assert calls.read_text() == ""


def test_without_a_gpu_nothing_is_said(devices: Callable[..., None], fake: Make) -> None:
    calls = fake(":")
    devices(0)
    with gpu_environments(2) as environments:
        assert environments == [{}, {}]
    assert calls.read_text() == ""


@pytest.mark.parametrize(
    ("visible", "given"),
    [
        (None, ["0", "1", "0", "1", "0"]),
        ("5,2", ["0", "1", "0", "1", "0"]),  # the server numbers what it sees
        ("GPU-a,GPU-b", ["GPU-a", "GPU-b", "GPU-a", "GPU-b", "GPU-a"]),
    ],
)
def test_more_processes_than_gpus_share_them_in_turn_by_one_daemon(
    devices: Callable[..., None],
    fake: Make,
    caplog: pytest.LogCaptureFixture,
    visible: str | None,
    given: list[str],
) -> None:
    calls = fake(":")
    devices(2, visible)
    with caplog.at_level(logging.INFO), gpu_environments(5) as environments:
        assert [each[VISIBLE] for each in environments] == given
        (directory,) = {each[PIPES] for each in environments}
        assert {each[LOGS] for each in environments} == {directory}
        assert (Path(directory) / "control").exists()
    assert calls.read_text() == f"start {visible or ''}\nquit\n"
    assert not Path(directory).exists()
    assert caplog.messages == ["5 processes on 2 GPUs by CUDA MPS"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_daemon_stops_after_a_failure_and_after_ctrl_c(
    devices: Callable[..., None], fake: Make, error: type[BaseException]
) -> None:
    calls = fake(":")
    devices(1)
    with pytest.raises(error), gpu_environments(2):
        raise error
    assert calls.read_text() == "start \nquit\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_daemon_stops_when_the_program_is_killed(fake: Make, number: int) -> None:
    calls = fake(":")
    program = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    with program.stdout as words:
        assert words.readline() == "runs\n"
    assert "quit" not in calls.read_text()
    program.send_signal(number)
    program.wait()
    wait_for(lambda: calls.read_text().endswith("quit\n"))


def test_one_that_runs_already_is_used_and_left_running(
    devices: Callable[..., None],
    fake: Make,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = fake(":")
    devices(1, "3")
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "control").touch()
    with caplog.at_level(logging.INFO), gpu_environments(2) as environments:
        assert environments == [{VISIBLE: "3"}, {VISIBLE: "3"}]
    assert calls.read_text() == ""
    assert caplog.messages == ["2 processes on 1 GPU by the CUDA MPS that runs already"]


@pytest.mark.parametrize(
    ("failure", "first_number", "line", "told"),
    [
        (
            "echo 'no permission'; exit 1",
            "pass",
            "2 processes on 1 GPU take turns: CUDA MPS does not run (no permission)",
            "start \n",
        ),
        (
            "exit 0",  # ends at once
            "pass",
            "2 processes on 1 GPU take turns: CUDA MPS does not run "
            "(Cannot find MPS control daemon process)",
            "start \n",
        ),
        (
            ":",
            "raise RuntimeError('MPS client failed to connect')",
            "2 processes on 1 GPU take turns: CUDA MPS does not run "
            "(RuntimeError: MPS client failed to connect)",
            "start \nquit\n",
        ),
    ],
)
def test_where_it_does_not_run_a_line_says_so_and_processes_take_turns(
    devices: Callable[..., None],
    fake: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: str,
    first_number: str,
    line: str,
    told: str,
) -> None:
    calls = fake(failure)
    devices(1)
    monkeypatch.setattr(gpus, "_FIRST_NUMBER", first_number)
    with gpu_environments(2) as environments:
        assert environments == [{VISIBLE: "0"}, {VISIBLE: "0"}]
    assert caplog.messages == [line]
    assert calls.read_text() == told


def test_where_there_is_no_mps_a_line_says_so(
    devices: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(gpus.shutil, "which", lambda name: None)
    devices(1)
    with gpu_environments(2) as environments:
        assert environments == [{VISIBLE: "0"}, {VISIBLE: "0"}]
    line = f"2 processes on 1 GPU take turns: CUDA MPS is not here ({CONTROL})"
    assert caplog.messages == [line]


@pytest.mark.skipif(cores() < 2, reason="two processes need two cores")
def test_each_process_has_the_environment_of_its_worker_and_this_one_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VISIBLE, "8,9")
    names = (VISIBLE, "PDAS_TEST_ONLY_THERE")
    told = [{VISIBLE: "8", names[1]: "a"}, {VISIBLE: "9", names[1]: "b"}]
    with Processes(2, environments=told) as pool:
        futures = [pool.submit(environment_of_process, names) for _ in range(4)]
        found = [future.result() for future in futures]
    assert sorted(found) == [["8", "a"], ["8", "a"], ["9", "b"], ["9", "b"]]
    assert environment_of_process(names) == ["8,9", None]
