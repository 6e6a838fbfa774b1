"""Calls in processes of their own on this machine, as an executor of `concurrent.futures`.

A process that dies takes one call with it and no other. All are asked to stop, as by SIGTERM, when
the executor is left by an error, and when the program itself ends, however that comes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, TypeVar

from pdas.distributed.pipes import at_end_of_pipe
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from pdas.support.imports import import_modules, imported_modules
from pdas.support.refusals import refuse

T = TypeVar("T")

_SPAWN = get_context("spawn")
_stopping = threading.Event()  # in a process that was asked to stop


class Processes(Executor):
    """Runs calls in new processes, each on its share of the cores.

    A share is at most as many threads as torch has here, which OMP_NUM_THREADS sets. A process
    imports what `pdas --import` has imported here.

    Args:
        workers: how many calls are run at a time.

    Raises:
        SettingError: there are more workers than cores, since processes that share a core are
            slower than one after the other.

    Example:
        with Processes(2) as pool:
            results = [pool.submit(train, seed) for seed in range(5)]
    """

    def __init__(self, workers: int) -> None:
        import torch

        if not 1 <= workers <= cores():
            refuse(
                SettingError,
                "--workers",
                found=str(workers),
                expected=f"1 to {cores()}, the cores of this machine",
            )
        self._waiting = ThreadPoolExecutor(workers)  # a thread waits for each process
        self._threads = min(cores() // workers, torch.get_num_threads())  # OMP_NUM_THREADS
        # Nobody ever writes: each process waits for the end of this pipe, which is our end.
        self._stop, self._alive = _SPAWN.Pipe(duplex=False)

    def submit(self, call: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        return self._waiting.submit(_in_own_process, self._stop, self._threads, call, args, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._alive.close()
        self._waiting.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown(wait=True, cancel_futures=error is not None)


def _in_own_process(
    stop: Connection,
    threads: int,
    call: Callable[..., T],
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> T:
    begin_with = (stop, threads, imported_modules())
    with ProcessPoolExecutor(1, _SPAWN, initializer=_begin, initargs=begin_with) as process:
        return process.submit(_call, call, args, named).result()


def _begin(stop: Connection, threads: int, modules: Sequence[str]) -> None:
    import torch

    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the one who started us
    torch.set_num_threads(threads)
    at_end_of_pipe(stop, _stop)
    import_modules(modules)


def _stop() -> None:
    _stopping.set()
    signal.raise_signal(signal.SIGTERM)


def _call(call: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
    try:
        return call(*args, **named)
    finally:
        if _stopping.is_set():  # a training has taken the signal as a request, and has stopped
            signal.raise_signal(signal.SIGTERM)
