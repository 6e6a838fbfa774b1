"""Several processes of one command, a rank each: start them, stop them, say what failed.

They find each other by the environment variables that Lightning Fabric reads. `torchrun` and SLURM
start the processes themselves; then only `is_rank`, `rank` and `started_ranks` are used.
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

GRACE = 5.0  # seconds for the others to end by themselves once one has failed
_POLL = 0.05
_LAUNCHER = "PDAS_LAUNCHER"  # the descriptor of a pipe that ends with the launcher
LOST = 3  # exit status of a rank that another one has left
_RANK = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")  # in the order of Fabric


def is_rank() -> bool:
    """Whether something that starts all the ranks has started this process."""
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
    """Which rank this process is; 0 if it is the only one."""
    # Fabric knows best, but nothing is imported for that: a refused setting is to be said at once.
    fabric = sys.modules.get("lightning_fabric.utilities.rank_zero")
    known = getattr(getattr(fabric, "rank_zero_only", None), "rank", None)
    if known is not None:
        return int(known)
    return int(next((os.environ[name] for name in _RANK if name in os.environ), 0))


def started_ranks() -> int | None:
    """How many processes were started in all, where WORLD_SIZE says so.

    Raises:
        SettingError: what it says is no number.
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
    """In a rank, take the end of the process that runs `run_ranks`, however it ends, as SIGTERM."""
    descriptor = os.environ.pop(_LAUNCHER, None)
    if descriptor is not None:
        at_end_of_pipe(Connection(int(descriptor), writable=False), _terminate)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def run_ranks(command: Sequence[str], count: int) -> int:
    """Run a command in several processes of this machine, and wait for them.

    One that fails ends the others; if it is not rank 0, which speaks for all, its last lines are
    shown. Ctrl-C and SIGTERM are passed on to all.

    Args:
        command: the program and its arguments.
        count: of processes.

    Returns:
        The exit status: 0, or that of the process that failed first.
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
    return 128 - failed.status  # as shells count a signal; a negative status is its number


@dataclass(frozen=True)
class _Failed:
    """The rank that failed first: its status, its last words, and whether it had to be ended."""

    index: int
    status: int
    words: str
    hung: bool


class _Processes:
    """The processes, each in a session of its own: a Ctrl-C of the terminal comes to us alone."""

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
                # The processes have the reading end alone, so it ends when we do.
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
        """Send a signal to all that still run."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def wait(self) -> _Failed | None:
        """Wait until all have ended, or one has failed, which ends the others; it is returned."""
        while not any(self._failed()):
            if all(process.poll() == 0 for process in self.processes):
                return None
            time.sleep(_POLL)
        self._settle(GRACE)  # most end by themselves, since the one that failed does not answer
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
        """Wait for all to end, for at most so long."""
        end = time.monotonic() + seconds
        while any(p.poll() is None for p in self.processes) and time.monotonic() < end:
            time.sleep(_POLL)

    def _first(self, hung: Sequence[int]) -> int:
        """Which process to blame.

        First one that was killed, then one with an error of its own, then one that hung, then one
        that another has left.
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
