"""Files that are being written: their temporary names, and what killed processes left of them.

A name is one that nobody else gives a file, and a lock is held on the file for as long as it is
being written. So what has such a name and no lock was left by a process that was killed.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_NAME = re.compile(r"\.pdas-.+-[0-9a-f]{16}\.part", re.DOTALL)


def is_part(path: Path) -> bool:
    """Whether this is a file that this library began to write, by its name."""
    return _NAME.fullmatch(path.name) is not None and _is_file(path)


@contextmanager
def new_part(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside `path`, under a name of its own, that others do not take for a left-over.

    After an error it is removed.

    Args:
        path: of the file that it is to become.

    Raises:
        OSError: it cannot be made.
    """
    with _locked_part(path) as file:
        try:
            yield file
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise


def remove_left_parts(directory: Path) -> None:
    """Remove the parts in a directory that no process is writing."""
    with suppress(OSError):
        for path in filter(is_part, directory.iterdir()):
            with suppress(OSError):
                _remove_left(path)


def lock(descriptor: int) -> bool:
    """Try to lock a file or directory; True, too, where the system has no locks.

    The lock ends with the process in every case.

    Returns:
        False if another process has the lock.
    """
    return _lock(descriptor) is not False


def is_locked(directory: Path) -> bool | None:
    """Whether another process has locked a directory.

    Args:
        directory: its path.

    Returns:
        None where that cannot be known, as on a file system without locks.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return None
    try:
        locked = _lock(descriptor)  # until it is closed; who wants the lock then tries again
    finally:
        os.close(descriptor)
    return None if locked is None else not locked


def _locked_part(path: Path) -> IO[bytes]:
    while True:
        name = f".pdas-{path.name}-{os.urandom(8).hex()}.part"
        file = path.with_name(name).open("xb")
        # Another process may have taken it for a left-over in the moment before the lock.
        if lock(file.fileno()) and os.path.exists(file.name):
            return file
        file.close()


def _remove_left(path: Path) -> None:
    if sys.platform == "win32":  # which removes no open file
        path.unlink()
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Whether this process has the lock now; None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _is_file(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False
