"""Worker processes of a loader that were killed, mostly for want of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from pdas.support.errors import DataError
from pdas.support.refusals import refusal

LOADER = "DataLoader worker"  # how torch's message begins


@contextmanager
def lost_workers_named() -> Iterator[None]:
    """Within it, the end of a worker process is an error of one line.

    Torch raises its own as soon as the process has ended, wherever this one is at that time.

    Raises:
        DataError: a worker was killed.

    Example:
        with lost_workers_named():
            batch = next(loader)
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        if not (str(error).startswith(LOADER) or _is_lost_batch(error)):
            raise
        raise refusal(
            DataError,
            "data.workers",
            found="a process that loads data and was killed",
            expected="all of them until the end",
            remedy="lower data.workers if memory is short, and continue with --resume",
        ) from error


def _is_lost_batch(error: BaseException) -> bool:
    """Whether a loader could not fetch a batch, as its worker ended while it was handed over."""
    if not isinstance(error, ConnectionError | EOFError):
        return False
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == "torch.utils.data.dataloader" for frame in frames)
