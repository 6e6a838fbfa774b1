"""Streams whose reader or disk is gone lose what is written, and nothing else."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable
from typing import TextIO

import pytest

from pdas.support.writing.streams import forget_lost, forgiving, forgiving_streams, lost


def closed_pipe() -> TextIO:
    """A stream into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", encoding="utf-8")


def full_disk() -> TextIO:
    return open("/dev/full", "w", encoding="utf-8")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize(
    ("opened", "error"), [(closed_pipe, errno.EPIPE), (full_disk, errno.ENOSPC)]
)
def test_a_stream_that_is_lost_is_told_and_raises_nothing(
    opened: Callable[[], TextIO], error: int
) -> None:
    with opened() as stream:
        kept = forgiving(stream)
        for line in ("one", "two"):
            print(line, file=kept, flush=True)
        kept.buffer.write(b"three\n")
        found = lost(kept)
        assert found is not None and found.errno == error
        forget_lost(kept)
        assert lost(kept) is None
        print("four", file=kept)
        assert lost(kept) is not None


def test_a_stream_that_is_read_has_all(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "out")
    with open(path, "w", encoding="ascii") as stream:
        kept = forgiving(stream)
        print("±", "\udce9", "x", file=kept)
        assert lost(kept) is None
    with open(path, encoding="ascii") as file:
        assert file.read() == "\\xb1 \\udce9 x\n"


def test_a_reader_that_is_slow_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    read: list[bytes] = []

    def read_all() -> None:
        with open(reading, "rb") as file:
            read.append(file.read())

    with open(writing, "w", encoding="utf-8") as stream:
        kept = forgiving(stream)
        reader = threading.Timer(0.1, read_all)
        reader.start()
        for _ in range(100):  # more than a pipe holds
            print("x" * 9999, file=kept)
        assert lost(kept) is None
    reader.join()
    assert len(read[0]) == 1_000_000


def test_a_stream_that_was_closed_from_the_start_takes_everything() -> None:
    with forgiving(None) as kept:
        print("x", file=kept)
        assert lost(kept) is None


def test_a_stream_that_is_no_file_stays() -> None:
    for stream in (io.StringIO(), io.TextIOWrapper(io.BytesIO())):
        assert forgiving(stream) is stream


def test_the_streams_of_the_process_are_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = closed_pipe()
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setattr(sys, "stderr", pipe)
    with forgiving_streams():
        print("lost")
        print("lost", file=sys.stderr)
        assert sys.stdout is not pipe and lost(sys.stdout) and lost(sys.stderr)
    assert sys.stdout is sys.stderr is pipe
    pipe.close()
