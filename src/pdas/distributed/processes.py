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

import torch

from pdas.support.cores import cores
from pdas.support.errors import SettingError

T = TypeVar("T")

_SPAWN = get_context("spawn")
_stopping = threading.Event()  # in a process that was asked to stop


class Processes(Executor):
    """Runs at most `workers` calls at a time, each in a new process on its share of the cores.

    That is at most as many threads as torch has here, which OMP_NUM_THREADS sets.

    Raises `SettingError` for more workers than cores, since processes that share a core are slower
    than one after the other.
    """

    def __init__(self, workers: int) -> None:
        if not 1 <= workers <= cores():
            raise SettingError(
                f"--workers: found {workers}, expected 1 to {cores()}, the cores of this machine"
            )
        self._waiting = ThreadPoolExecutor(workers)  # a thread waits for each process
        self._threads = min(cores() // workers, torch.get_num_threads())  # OMP_NUM_THREADS
        # Nobody ever writes: a process that waits for this reads its end when we are no more.
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
    with ProcessPoolExecutor(1, _SPAWN, initializer=_begin, initargs=(stop, threads)) as process:
        return process.submit(_call, call, args, named).result()


def _begin(stop: Connection, threads: int) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the one who started us
    torch.set_num_threads(threads)
    threading.Thread(target=_await_stop, args=(stop,), daemon=True).start()


def _await_stop(stop: Connection) -> None:
    stop.poll(None)
    _stopping.set()
    signal.raise_signal(signal.SIGTERM)


def _call(call: Callable[..., T], args: Sequence[Any], named: Mapping[str, Any]) -> T:
    try:
        return call(*args, **named)
    finally:
        if _stopping.is_set():  # a training has taken the signal as a request, and has stopped
            signal.raise_signal(signal.SIGTERM)
