"""Atomic writes, and directories that a process has for itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pdas.support.errors import RunError
from pdas.support.writing.parts import lock, new_part, remove_left_parts


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A file that replaces `path` at the end, when its content is on the disk.

    Until then, and after an error, the file at `path` is unchanged. A link at `path` is replaced,
    never followed. Several processes may write the same file at once; it is that of the last.

    Args:
        path: of the file that is written.

    Raises:
        RunError: the file cannot be written.

    Example:
        with atomic_write(Path("result.json")) as file:
            file.write(b"{}")
    """
    try:
        remove_left_parts(path.parent)
        with new_part(path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":  # which renames no open file
                file.close()
            os.replace(file.name, path)  # while it is locked, so that nobody removes it
        _sync_directory(path.parent)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}), expected room on the disk "
            "and the right to write there; correct that, and continue"
        ) from error


@contextmanager
def creating_directory(
    directory: Path, setting: str, remedy: str = "give another"
) -> Iterator[None]:
    """Within it, an `OSError` means that a directory cannot be created.

    Args:
        directory: which is created within it.
        setting: that names the directory, for messages.
        remedy: the end of the message.

    Raises:
        RunError: the directory cannot be created.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{setting}: {directory} cannot be made ({error.strerror}); {remedy}"
        ) from error


def _sync_directory(directory: Path) -> None:
    """Bring a rename in a directory to the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_directory(directory: Path, patience: float = 10.0) -> Iterator[None]:
    """Within it, keep other processes out of a directory, if the system can lock.

    The lock ends with the process in every case. Workers that a process left behind may hold it
    for some more seconds.

    Args:
        directory: it must exist.
        patience: the seconds to wait for another process that has the lock.

    Raises:
        RunError: another process still has the lock after that time, or the directory cannot be
            opened.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise RunError(
            f"{directory}: cannot be opened ({error.strerror}), expected a directory that may be "
            "read; correct that, and continue"
        ) from error
    try:
        end = time.monotonic() + patience
        while not lock(descriptor):
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
        with suppress(OSError):
            os.close(descriptor)
