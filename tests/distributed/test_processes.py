"""Calls in processes of their own: how many, what they are told, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest
import torch

from pdas.distributed.processes import Processes, processes_for
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from tests.waiting import wait_for

ORPHAN = """
import sys, time
from pdas.distributed.processes import Processes
from tests.distributed.test_processes import tell_and_sleep
if __name__ == "__main__":
    with Processes(1) as pool:
        pool.submit(tell_and_sleep, sys.argv[1]).result()
"""


SIGNALLED = """
import os, signal, sys, time
from pdas.distributed.processes import Processes
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    with Processes(1) as pool:
        future = pool.submit(pow, 2, 3)
        while not future.done():
            time.sleep(0.01)
            os.killpg(0, signal.SIGTERM)
        print(future.result())
"""


def tell_and_sleep(file: str) -> None:
    Path(f"{file}.part").write_text(str(os.getpid()))
    Path(f"{file}.part").rename(file)
    time.sleep(600)


@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (999, cores())])
def test_a_call_has_a_process_of_its_own_and_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, threads: int, expected: int
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    with Processes(1) as pool:
        monkeypatch.undo()  # what is pickled is the function of torch
        assert pool.submit(torch.get_num_threads).result() == expected
        assert pool.submit(os.getpid).result() != os.getpid()


def test_a_process_that_dies_takes_no_other_call_with_it() -> None:
    with Processes(1) as pool:
        dies, lives = pool.submit(os._exit, 3), pool.submit(pow, 2, 3)
        with pytest.raises(BrokenExecutor):
            dies.result()
        assert lives.result() == 8


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="needs groups of processes")
def test_a_request_to_stop_for_the_whole_group_does_not_end_a_process_that_starts(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SIGNALLED)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    assert done.stdout == "8\n", done.stderr


def test_a_kept_process_takes_one_call_after_the_other_and_is_replaced_when_it_dies() -> None:
    with Processes(1, kept=True) as pool:
        first, second = (pool.submit(os.getpid).result() for _ in range(2))
        with pytest.raises(BrokenExecutor):
            pool.submit(os._exit, 3).result()
        third = pool.submit(os.getpid).result()
    assert first == second != third
    wait_for(lambda: not is_alive(third))


def test_processes_are_for_several_calls_and_not_within_another_process() -> None:
    with processes_for(1) as pool:
        assert pool is None
    with processes_for(99) as pool:
        assert (pool is None) == (cores() < 2)
    with Processes(1) as pool:
        assert pool.submit(_has_processes).result() is False


def _has_processes() -> bool:
    with processes_for(99) as pool:
        return pool is not None


@pytest.mark.parametrize("workers", [0, cores() + 1])
def test_more_workers_than_cores_are_refused(workers: int) -> None:
    with pytest.raises(SettingError, match=f"--workers: found {workers}, expected 1 to {cores()}"):
        Processes(workers)


def test_a_script_that_starts_processes_where_one_imports_it_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pdas.distributed.processes import Processes\n"
        "Processes(1).submit(pow, 2, 3).result()\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert 'expected the call under `if __name__ == "__main__":`; move it there' in ended.stderr
    assert "BrokenProcessPool" in ended.stderr and "freeze_support" not in ended.stderr


def test_an_error_ends_what_runs_and_what_waits(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Processes(1) as pool:
        file = tmp_path / "pid"
        runs, waits = (pool.submit(tell_and_sleep, str(file)) for _ in range(2))
        wait_for(file.exists)
        raise KeyboardInterrupt
    assert isinstance(runs.exception(), BrokenExecutor) and waits.cancelled()


@pytest.mark.skipif(os.name == "nt", reason="ends by signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_is_left_when_the_program_is_killed(tmp_path: Path, number: int) -> None:
    script, file = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(ORPHAN)
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    program = subprocess.Popen(
        [sys.executable, str(script), str(file)],
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    )
    wait_for(file.exists)
    program.send_signal(number)
    program.wait()
    pid = int(file.read_text())
    wait_for(lambda: not is_alive(pid))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
