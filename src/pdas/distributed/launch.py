"""Several processes of one command, one for each rank: start and stop them, report failures.

They find each other by the environment variables of Lightning Fabric. `torchrun` and SLURM start
the processes themselves; then only `is_rank`, `rank` and `started_ranks` are used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from tempfile import TemporaryFile
from types import FrameType

from pdas.distributed.pipes import at_end_of_pipe
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from pdas.support.refusals import refusal

GRACE = 5.0  # seconds in which the others may end by themselves after one has failed
_POLL = 0.05
_LAUNCHER = "PDAS_LAUNCHER"  # the descriptor of a pipe that ends with the launcher
LOST = 3  # exit status of a rank that has lost another one
_RANK = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")  # in the order of Fabric


def is_rank() -> bool:
    """Whether a launcher, such as `torchrun` or SLURM, has started this process."""
    from pdas.distributed import fabric

    if fabric.LightningEnvironment().creates_processes_externally:
        return True
    managers = (
        fabric.TorchElasticEnvironment,
        fabric.SLURMEnvironment,
        fabric.LSFEnvironment,
        fabric.MPIEnvironment,
    )
    return any(manager.detect() for manager in managers)


def rank() -> int:
    """The rank of this process; 0 if it is the only one."""
    # Fabric knows best. But it is not imported for this, since a refusal must appear at once.
    fabric = sys.modules.get("lightning_fabric.utilities.rank_zero")
    known = getattr(getattr(fabric, "rank_zero_only", None), "rank", None)
    if known is not None:
        return int(known)
    return int(next((os.environ[name] for name in _RANK if name in os.environ), 0))


def started_ranks() -> int | None:
    """The number of processes that were started.

    Returns:
        The value of WORLD_SIZE; None if it is not set.

    Raises:
        SettingError: the value is no number.
    """
    found = os.environ.get("WORLD_SIZE")
    try:
        return None if found is None else int(found)
    except ValueError:
        raise refusal(
            SettingError,
            "WORLD_SIZE",
            found=f"{found!r} in the environment",
            expected="the number of processes that were started",
            remedy="unset it if this is the only one",
        ) from None


def end_with_launcher() -> None:
    """In a rank, send SIGTERM to itself when the process that runs `run_ranks` has ended."""
    descriptor = os.environ.pop(_LAUNCHER, None)
    if descriptor is not None:
        at_end_of_pipe(Connection(int(descriptor), writable=False), _terminate)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def run_ranks(command: Sequence[str], count: int) -> int:
    """Run a command in several processes of this machine, and wait for them.

    If one fails, the others are ended. Rank 0 shows its output; of another rank that fails the last
    lines are shown. Ctrl-C and SIGTERM are passed on to all.

    Args:
        command: the program and its arguments.
        count: of processes.

    Returns:
        The exit status: 0, or that of the process that failed first.

    Example:
        status = run_ranks([sys.executable, "train.py"], 2)
    """
    with _Processes(command, count) as processes, _passed_on(processes):
        failed = processes.wait()
    if failed is None:
        return 0
    if failed.words:
        print(failed.words, file=sys.stderr, flush=True)
    if failed.status >= 0:
        return failed.status
    name = signal.Signals(-failed.status).name
    how = "did not answer, and was ended" if failed.hung else f"ended by {name}"
    line = f"pdas: rank {failed.index}: {how}; continue from the last checkpoint with --resume"
    print(line, file=sys.stderr, flush=True)
    return 128 - failed.status  # the status in shells; a negative status is that of a signal


@dataclass(frozen=True)
class _Failed:
    """The rank that failed first: its status, its last output, and whether it had to be ended."""

    index: int
    status: int
    words: str
    hung: bool


class _Processes:
    """The processes, each in its own session, so Ctrl-C in a terminal reaches only this one."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        from pdas.distributed.fabric import LightningEnvironment

        port = LightningEnvironment().main_port
        threads = max(1, cores() // count)
        shared = {"OMP_NUM_THREADS": str(threads)} | os.environ
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
        kept: tuple[int, ...] = ()
        with ExitStack() as resources:
            self._words = [resources.enter_context(TemporaryFile()) for _ in range(count)]
            if os.name == "posix":
                # Only this process has the writing end, so the pipe ends with this process.
                reading_end, writing_end = os.pipe()
                resources.callback(os.close, reading_end)
                resources.callback(os.close, writing_end)
                kept, shared[_LAUNCHER] = (reading_end,), str(reading_end)
            self._resources = resources.pop_all()
        self.processes = [
            subprocess.Popen(
                list(command),
                env=shared | {"LOCAL_RANK": str(index)},
                stdout=subprocess.DEVNULL if index else None,
                stderr=words if index else None,
                start_new_session=True,
                pass_fds=kept,
            )
            for index, words in enumerate(self._words)
        ]

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *error: object) -> None:
        self.send(signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self._resources.close()

    def send(self, number: int) -> None:
        """Send a signal to all processes that still run."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def wait(self) -> _Failed | None:
        """Wait until all have ended, or one has failed. That one is returned; the others end."""
        while not any(self._failed()):
            if all(process.poll() == 0 for process in self.processes):
                return None
            time.sleep(_POLL)
        self._settle(GRACE)  # most end by themselves, since they lose the one that failed
        hung = [i for i, process in enumerate(self.processes) if process.poll() is None]
        self.send(signal.SIGTERM)
        self._settle(GRACE if hung else 0)
        self.send(signal.SIGKILL)
        for process in self.processes:
            process.wait()
        index = self._first(hung)
        status = self.processes[index].returncode
        return _Failed(index, status, self._last_words(index), index in hung)

    def _failed(self) -> Iterator[bool]:
        return (process.poll() not in (None, 0) for process in self.processes)

    def _settle(self, seconds: float) -> None:
        """Wait for all to end, for at most `seconds`."""
        end = time.monotonic() + seconds
        while any(p.poll() is None for p in self.processes) and time.monotonic() < end:
            time.sleep(_POLL)

    def _first(self, hung: Sequence[int]) -> int:
        """The process to report.

        In this order: one that was killed, one with its own error, one that did not answer, one
        that has lost another.
        """
        statuses = [process.returncode for process in self.processes]
        by_itself = [i for i in range(len(statuses)) if i not in hung]
        killed = [i for i in by_itself if statuses[i] < 0]
        wrong = [i for i in by_itself if statuses[i] not in (0, LOST)]
        return [*killed, *wrong, *hung, *(i for i in by_itself if statuses[i])][0]

    def _last_words(self, index: int) -> str:
        self._words[index].seek(0)
        return self._words[index].read()[-4000:].decode(errors="replace").strip()


@contextmanager
def _passed_on(processes: _Processes) -> Iterator[None]:
    """Within it, pass Ctrl-C and SIGTERM on to the ranks."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        processes.send(number)

    before = {n: signal.signal(n, on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
