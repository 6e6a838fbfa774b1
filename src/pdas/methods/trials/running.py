"""Trainings of several networks: here, on several devices, or on an executor."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from pdas.distributed.ranks import Ranks
from pdas.distributed.results import result_of
from pdas.support.errors import PdasError, RunError, reason
from pdas.training.memory import enough_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

CLUSTERS = ("distributed", "ray")  # whose errors say that a worker died


def results_as_they_come(
    call: Callable[..., Result],
    items: Sequence[Item],
    arguments: Callable[[Item], Sequence[Any]],
    ranks: Ranks,
    executor: Executor | None,
) -> Generator[tuple[Item, Result]]:
    """The results of a call for each item, as soon as each is there.

    Args:
        call: what trains a network. For other processes it must pickle, as its arguments.
        items: different ones.
        arguments: makes the arguments of the call for an item.
        ranks: the processes of the search. Of several, each has every n-th item.
        executor: where the calls run; None for this process, or those of all ranks.

    Yields:
        Items and their results. What has not begun when the caller stops is cancelled.

    Raises:
        RunError: a process or a machine of the executor died.
        OutOfMemoryError: a training does not fit.

    Example:
        for architecture, loss in results_as_they_come(train, architectures, made, ranks, None):
            print(architecture, loss)
    """
    if executor is None:
        yield from _in_turns(call, items, arguments, ranks)
    else:
        yield from _on_executor(call, items, arguments, executor)


def _in_turns(
    call: Callable[..., Result],
    items: Sequence[Item],
    arguments: Callable[[Item], Sequence[Any]],
    ranks: Ranks,
) -> Generator[tuple[Item, Result]]:
    for first in range(0, len(items), ranks.size):
        turn = items[first : first + ranks.size]
        # Each rank takes one of as many trainings as there are ranks, then all exchange them.
        with enough_memory(_too_large):
            own = [call(*arguments(item)) for item in ranks.share(turn)]
        yield from zip(turn, ranks.gather(own, patiently=True), strict=True)


def _on_executor(
    call: Callable[..., Result],
    items: Sequence[Item],
    arguments: Callable[[Item], Sequence[Any]],
    executor: Executor,
) -> Generator[tuple[Item, Result]]:
    futures: dict[Future[Result], Item] = {}
    try:
        for item in items:
            futures[executor.submit(call, *arguments(item))] = item
        for future in as_completed(futures):
            # Popped, since a future that is kept holds its result, which may be large.
            with _workers_live(), enough_memory(_too_large):
                result = result_of(future)
            yield futures.pop(future), result
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _workers_live() -> Iterator[None]:
    """Within it, the death of a worker is an error of one line."""
    try:
        yield
    except PdasError:
        raise
    except Exception as error:
        if not isinstance(error, BrokenExecutor) and not _is_of_cluster(error):
            raise
        raise RunError(
            f"search: a process that trained a network ended without a word, as where memory runs "
            f"out ({reason(error)}); run the same again, which continues from its checkpoint, "
            "with fewer processes at a time"
        ) from error


def _is_of_cluster(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in CLUSTERS


def _too_large() -> str:
    return "the training of a network does not fit; lower search.batch_size"
