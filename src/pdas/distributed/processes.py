"""Calls in new processes on this machine, as an executor of `concurrent.futures`.

If a process dies, only its own call fails. All processes get SIGTERM when an error leaves the
executor, and when the program itself ends, in whatever way.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from pdas.distributed.pipes import at_end_of_pipe
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from pdas.support.imports import import_modules, imported_modules
from pdas.support.refusals import refuse

T = TypeVar("T")

REQUESTS = (signal.SIGTERM, signal.SIGINT)  # to stop

_SPAWN = get_context("spawn")
_starting = threading.Lock()  # the environment is one for all threads
_stopping = threading.Event()  # set in a process that is to stop


class Processes(Executor):
    """Runs calls in new processes, each on its share of the cores.

    A share is at most the number of torch's threads in this process, which OMP_NUM_THREADS sets. A
    new process imports the modules of `pdas --import`.

    Args:
        workers: the number of calls that run at the same time.
        kept: whether a process takes one call after the other, where starting a new one for each
            would cost more than a short call.
        environments: for each worker, what its processes have beside the environment of this one,
            as the GPU; see `gpu_environments`. None adds nothing.

    Raises:
        SettingError: there are more workers than cores, or a new process has come here by the
            import of the script.

    Example:
        with Processes(2) as pool:
            results = [pool.submit(train, seed) for seed in range(5)]
    """

    def __init__(
        self,
        workers: int,
        *,
        kept: bool = False,
        environments: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        import torch

        if getattr(current_process(), "_inheriting", False):  # as multiprocessing asks it
            refuse(
                SettingError,
                "processes",
                found="a script that starts them again where one of them imports it",
                expected='the call under `if __name__ == "__main__":`',
                remedy="move it there",
            )
        check_workers(workers)
        self._waiting = ThreadPoolExecutor(workers)  # one thread waits for each process
        self._threads = min(cores() // workers, torch.get_num_threads())  # OMP_NUM_THREADS
        # Nobody writes to this pipe. Its end tells each process that this one has ended.
        self._stop, self._alive = _SPAWN.Pipe(duplex=False)
        self._kept = kept
        self._idle: SimpleQueue[tuple[ProcessPoolExecutor, Mapping[str, str]]] = SimpleQueue()
        # One for each process that may live at a time; a process that ends gives its own back.
        self._environments: SimpleQueue[Mapping[str, str]] = SimpleQueue()
        for environment in environments or [{}] * workers:
            self._environments.put(environment)

    def submit(self, call: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        return self._waiting.submit(self._in_process, call, args, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._alive.close()
        self._waiting.shutdown(wait, cancel_futures=cancel_futures)
        self._kept = False
        while not self._idle.empty():
            self._idle.get()[0].shutdown(wait)

    def _in_process(
        self, call: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]
    ) -> T:
        try:
            process, environment = self._idle.get_nowait()
        except Empty:
            process, environment = self._new_process(), self._environments.get()
        lives = True
        try:
            # A process that starts here inherits both.
            with _signals_blocked(), _with_environment(environment):
                future = process.submit(_call, call, args, named)
            return future.result()
        except BrokenExecutor:
            lives = False
            raise
        finally:
            if lives and self._kept:
                self._idle.put((process, environment))
            else:
                process.shutdown()
                self._environments.put(environment)

    def _new_process(self) -> ProcessPoolExecutor:
        begin_with = (self._stop, self._threads, imported_modules())
        return ProcessPoolExecutor(1, _SPAWN, initializer=_begin, initargs=begin_with)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown(wait=True, cancel_futures=error is not None)


def check_workers(workers: int) -> None:
    """Check the number of calls that run at the same time.

    Raises:
        SettingError: there are more than cores. Processes that share a core are slower than one
            after the other.
    """
    if not 1 <= workers <= cores():
        refuse(
            SettingError,
            "--workers",
            found=str(workers),
            expected=f"1 to {cores()}, the cores of this machine",
            remedy="leave it out for as many as are useful",
        )


def _begin(stop: Connection, threads: int, modules: Sequence[str]) -> None:
    import torch

    if hasattr(os, "setsid"):
        os.setsid()  # so that Ctrl-C in a terminal reaches only the parent process
        _forget_signals()
    torch.set_num_threads(threads)
    at_end_of_pipe(stop, _stop)
    import_modules(modules)


@contextmanager
def _with_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Within it, a process that starts has these variables from its first line on.

    A script that a new process imports may look for GPUs, and then it is too late to choose one.
    """
    with _starting:
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Within it, this thread takes no request to stop: they are for the main thread."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forget_signals() -> None:
    """Drop those that came to the whole group while this process started, then take them again."""
    for number in REQUESTS:
        handler = signal.signal(number, signal.SIG_IGN)
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, REQUESTS)


def _stop() -> None:
    _stopping.set()
    signal.raise_signal(signal.SIGTERM)


def _call(call: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
    try:
        return call(*args, **named)
    finally:
        if _stopping.is_set():  # a training took the signal as a request to stop; now it acts
            signal.raise_signal(signal.SIGTERM)


@contextmanager
def processes_for(calls: int) -> Iterator[Executor | None]:
    """Processes for calls that do not depend on each other, as many as there are cores.

    Args:
        calls: at the same time, at most.

    Yields:
        The processes, which are kept from call to call; None where this process is better: for a
        single call, on a single core, or where it is itself one of several that share the cores.
    """
    workers = min(calls, cores())
    if workers < 2 or parent_process() is not None:
        yield None
        return
    with Processes(workers, kept=True) as processes:
        yield processes
