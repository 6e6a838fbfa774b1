"""Several processes of a command: what ends them, what is said of it, and what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pdas.distributed.launch import run_ranks, started_ranks
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.support.errors import SettingError
from tests.cli.conftest import CHANGES
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds pids there")

TWO = ["--devices", "2", "--strategy", "ddp"]
ROOT = Path(__file__).parents[2]
LONGEST = 300  # seconds that a command may take where others are at work


def words(*words: object) -> list[str]:
    command, *rest = map(str, words)
    return [sys.executable, "-m", "pdas.cli", command, *CHANGES, *TWO, *rest]


@contextmanager
def started(*command: object) -> Iterator[subprocess.Popen[str]]:
    """The command at work; what is left of it is killed at the end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        words(*command),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def pid_of_rank(launcher: subprocess.Popen[str], rank: int) -> int:
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    (found,) = (
        int(pid)
        for pid in children
        if f"LOCAL_RANK={rank}\0" in Path(f"/proc/{pid}/environ").read_text()
    )
    return found


def checkpoints(run: Path) -> list[Path]:
    return list(run.glob("checkpoint/*.ckpt"))


def test_a_killed_rank_ends_the_run_which_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    run, longer = tmp_path / "run", ("--set", "search.epochs=10")
    with started("search", "digits", "--out", run, *longer) as process:
        wait_for(lambda: checkpoints(run))
        os.kill(pid_of_rank(process, 1), signal.SIGKILL)
        killed = time.monotonic()
        _, errors = process.communicate(timeout=LONGEST)
    assert time.monotonic() - killed < 60
    assert process.returncode == 128 + signal.SIGKILL
    assert "pdas: rank 1: ended by SIGKILL; continue from the last checkpoint" in errors
    assert "Traceback" not in errors
    saved = Checkpoints(run / "checkpoint").load()
    assert saved is not None and saved["step"] >= 1

    with started("search", "digits", "--out", run, "--resume", *longer) as process:
        _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, errors
    assert not Run(run).is_unfinished and not checkpoints(run)


def test_an_error_of_all_ranks_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with started("search", "digits", "--out", tmp_path / "taken") as process:
        _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 2
    (line,) = errors.splitlines()[1:]  # after the one that the command begins with
    assert "--out: " in line and "already exists" in line


def test_ranks_stop_when_what_started_them_is_killed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started("search", "digits", "--out", run, "--set", "search.epochs=500") as process:
        wait_for(lambda: checkpoints(run))
        pids = [pid_of_rank(process, rank) for rank in range(2)]
        process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert Run(run).is_unfinished
    saved = Checkpoints(run / "checkpoint").load()
    assert saved is not None and saved["step"] > 1


@pytest.mark.long
def test_an_architecture_drawn_at_random_on_two_ranks(tmp_path: Path) -> None:
    changes = ("--set", "search.method=random")
    with started("run", "digits", "--out", tmp_path / "run", *changes) as process:
        _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, errors
    assert "test_error" in Run(tmp_path / "run" / "retrain-0").read_json("result.json")


@pytest.mark.long
def test_a_rank_that_hangs_ends_the_run_within_a_minute(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started("search", "digits", "--out", run, "--set", "search.epochs=10") as process:
        wait_for(lambda: checkpoints(run))
        os.kill(pid_of_rank(process, 1), signal.SIGSTOP)
        stopped = time.monotonic()
        _, errors = process.communicate(timeout=LONGEST)
    assert time.monotonic() - stopped < 60
    assert process.returncode != 0
    assert (
        "rank 0: lost another rank" in errors and "rank 1: did not answer, and was ended" in errors
    )
    assert checkpoints(run)


@pytest.mark.long
def test_ctrl_c_stops_all_with_a_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started("search", "digits", "--out", run, "--set", "search.epochs=10") as process:
        wait_for(lambda: checkpoints(run))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 130
    assert errors.count("stopped after step") == 1 and "--resume" in errors
    assert checkpoints(run)


@pytest.mark.long
def test_a_whole_experiment_on_two_ranks(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started("run", "digits", "--out", run) as process:
        output, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, errors
    assert output.count("test error") == 1
    assert "test_error" in Run(run / "retrain-0").read_json("result.json")


@pytest.mark.long
def test_torchrun_starts_the_ranks_as_well(tmp_path: Path) -> None:
    torchrun = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29517", "-m"]
    command = words("search", "digits", "--out", tmp_path / "run")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", *torchrun, *command[2:]], env=environment, check=True, timeout=200
    )
    assert not Run(tmp_path / "run").is_unfinished


@pytest.mark.long
def test_ranks_of_slurm_find_each_other_by_its_variables(tmp_path: Path) -> None:
    """Not SLURM itself: two processes with the variables that it sets for two tasks of a job."""
    job = {"SLURM_JOB_ID": "29519", "SLURM_JOB_NAME": "search", "SLURM_NTASKS": "2"}
    job |= {"SLURM_NTASKS_PER_NODE": "2", "SLURM_JOB_NODELIST": "localhost", "SLURM_NODEID": "0"}
    environment = os.environ | job | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    tasks = [
        subprocess.Popen(
            words("search", "digits", "--out", tmp_path / "run"),
            env=environment | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
        )
        for rank in range(2)
    ]
    assert [task.wait(timeout=LONGEST) for task in tasks] == [0, 0]
    assert not Run(tmp_path / "run").is_unfinished


SCRIPT = """
import os, sys, time
rank = int(os.environ["LOCAL_RANK"])
{}
"""


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("print('fine')", 0, ""),
        ("if rank: sys.exit('the second one fails')\ntime.sleep(60)", 1, "the second one fails"),
        ("sys.exit('both fail') if rank else sys.exit(7)", 7, ""),
        ("sys.exit(3) if rank else os.abort()", 128 + 6, "pdas: rank 0: ended by SIGABRT"),
        ("os.abort() if rank else sys.exit(3)", 128 + 6, "pdas: rank 1: ended by SIGABRT"),
    ],
)
def test_the_one_that_failed_is_told(
    body: str,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("pdas.distributed.launch.GRACE", 0.3)
    assert run_ranks([sys.executable, "-c", SCRIPT.format(body)], 2) == status
    errors = capsys.readouterr().err
    assert message in errors and bool(errors) == bool(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--set", "search.samples=3"], "search.samples: found 3, expected a multiple of the 2"),
        (["--set", "retrain.batch_size=65"], "retrain.batch_size: found 65, expected a multiple"),
        (["--set", "device.machines=2"], "device.machines: found 2 without what starts processes"),
    ],
)
def test_devices_that_do_not_fit_are_one_line_before_anything_is_made(
    given: list[str], message: str, tmp_path: Path
) -> None:
    with started("search", "digits", "--out", tmp_path / "run", *given) as process:
        _, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 2
    (line,) = errors.splitlines()[1:]  # after the one that the command begins with
    assert line.startswith(f"pdas: {message}")
    assert not (tmp_path / "run").exists()


def test_a_count_of_processes_that_is_none_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert started_ranks() is None
    for text in ("", "two"):
        monkeypatch.setenv("WORLD_SIZE", text)
        with pytest.raises(SettingError, match=f"^WORLD_SIZE: found '{text}' in the .*") as caught:
            started_ranks()
        assert "\n" not in str(caught.value)
