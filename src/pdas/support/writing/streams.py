"""Standard streams that may end before the work does, as in `pdas run digits 2>&1 | head`.

Where the reader is gone, or its disk is full, the lines are lost and the work continues.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from typing_extensions import Buffer


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Within it, standard output and standard error are forgiving; see `forgiving`."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = forgiving(sys.stdout), forgiving(sys.stderr)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def forgiving(stream: TextIO | None) -> TextIO:
    """A stream to the same place, on which no writing fails.

    What cannot be encoded is written with escapes.

    Args:
        stream: of this process; None if it was closed from the start. One that is no file of the
            system, as in a notebook, is returned as it is.
    """
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if _raw(stream) is not None:
        return stream
    # The console of Windows takes text in a way of its own, and has no reader that may end.
    if not isinstance(stream, io.TextIOWrapper) or (sys.platform == "win32" and stream.isatty()):
        return stream
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def lost(stream: TextIO) -> OSError | None:
    """Why something that was written to a stream did not arrive; None if all did."""
    stream.flush()
    raw = _raw(stream)
    return None if raw is None else raw.error


def forget_lost(stream: TextIO) -> None:
    """Let `lost` know nothing of what was written until now."""
    stream.flush()
    if (raw := _raw(stream)) is not None:
        raw.error = None


def _raw(stream: TextIO) -> _Forgiving | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Forgiving) else None


class _Forgiving(io.FileIO):
    """A file that keeps the first error of its writes and raises none."""

    error: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            while (count := super().write(data)) is None:  # it does not block, and is full now
                select.select((), (self,), ())
            return count
        except OSError as error:
            self.error = self.error or error
            return memoryview(data).nbytes
