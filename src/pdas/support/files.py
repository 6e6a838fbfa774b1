"""Files that are written as a whole or not at all, and read without trust in who wrote them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pdas.support.errors import RunError

LARGEST_TEXT = 10_000_000  # bytes; no file of text that this library reads comes near


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` at the end, when it is on the disk.

    Until then, and after an error, what was at `path` is as it was. A link at `path` is replaced,
    never followed.

    Raises:
        RunError: the file cannot be written.

    Example:
        with atomic_write(Path("result.json")) as file:
            file.write(b"{}")
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a process that was killed, or a link
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_directory(path.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunError(
                f"{path}: cannot be written ({error.strerror or error}), expected room on the disk "
                "and the right to write there; mend that, and continue"
            ) from error
        raise


@contextmanager
def creating_directory(
    directory: Path, setting: str, remedy: str = "give another"
) -> Iterator[None]:
    """Within it, raise `RunError` for the `setting` if `directory` cannot be created."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{setting}: {directory} cannot be made ({error.strerror}); {remedy}"
        ) from error


def _sync_directory(directory: Path) -> None:
    """Make a rename in it last, where directories can be synced."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is absurdly large, or no text.
    """
    if path.exists() and not path.is_file():  # to read a pipe would wait for its other end
        raise ValueError("it is no file")
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise ValueError(f"it has more than {LARGEST_TEXT} bytes")
    return content.decode("utf-8")


@contextmanager
def locked_directory(directory: Path, patience: float = 10.0) -> Iterator[None]:
    """Within it, keep other processes out of a directory, where the system can lock.

    The lock ends with the process, however that ends, but workers that it has left behind may hold
    it some seconds longer.

    Args:
        directory: which must exist.
        patience: for how many seconds another process that has the lock is waited for.

    Raises:
        RunError: another process still has it then.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        end = time.monotonic() + patience
        while not _lock(descriptor):
            if time.monotonic() > end:
                raise RunError(
                    f"{directory}: another process is at work there; wait for its end, or end it"
                )
            time.sleep(0.1)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Try to lock a directory; whether nobody else has it. True where there are no locks."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
