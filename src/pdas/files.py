"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pdas.errors import RunError


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` at the end, when it is on the disk.

    Until then, and after an error, what was at `path` is as it was. Raises `RunError` if it cannot
    be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
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
                "and the right to write there; mend that, and go on with --resume"
            ) from error
        raise


def _sync_directory(directory: Path) -> None:
    """Make a rename in it last, where directories can be synced."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
