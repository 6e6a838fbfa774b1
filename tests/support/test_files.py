"""Files are whole or as they were, whatever fails while they are written."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from pdas.support.errors import RunError
from pdas.support.files import atomic_write, locked_directory
from pdas.support.writing import parts

LEFT = ".pdas-a-0123456789abcdef.part"


def write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)


def fail(*arguments: Any, **options: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        write(tmp_path / "a", content)
        assert (tmp_path / "a").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_whatever_fails_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    write(tmp_path / "a", b"former")
    monkeypatch.setattr(Path if call == "open" else os, call, fail)
    with pytest.raises(RunError, match=r"^\S*/a: cannot be written \(No space left on device\)"):
        write(tmp_path / "a", b"new")
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_of_the_writer_leaves_the_former_one(
    tmp_path: Path, error: type[BaseException]
) -> None:
    write(tmp_path / "a", b"former")
    with pytest.raises((error, RunError)), atomic_write(tmp_path / "a") as file:
        file.write(b"half")
        raise error
    assert (tmp_path / "a").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("a", LEFT):
        (run / name).symlink_to(outside)
    write(run / "a", b"new")
    assert outside.read_bytes() == b"mine"
    assert not (run / "a").is_symlink() and (run / "a").read_bytes() == b"new"


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    of_the_user = ["a.part", "film.mp4.part", ".pdas-a.part", f"{LEFT}.txt", f"my{LEFT}"]
    for name in (*of_the_user, LEFT, LEFT.replace("-a-", "-other.csv-")):
        (tmp_path / name).write_bytes(b"half of what was written")
    write(tmp_path / "a", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a", *of_the_user])
    assert (tmp_path / "a").read_bytes() == b"new"


def test_two_that_write_one_file_at_once_both_succeed(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        write(tmp_path / "b", b"a third file, whose writer removes what was left")
        first.write(b"first")
        second.write(b"second")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"first"  # which ends last


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_files_are_written_and_nothing_is_taken_for_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def flock(descriptor: int, how: int) -> None:
        raise OSError(error, "no locks")

    monkeypatch.setattr("fcntl.flock", flock)
    (tmp_path / LEFT).touch()
    write(tmp_path / "a", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [LEFT, "a"]


def test_a_part_that_was_taken_for_left_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes the first in the moment between its creation and its lock."""
    locked, removed = parts.lock, []

    def lock(descriptor: int) -> bool:
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        return locked(descriptor)

    monkeypatch.setattr(parts, "lock", lock)
    write(tmp_path / "a", b"new")
    assert removed and [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_directory_is_known_to_be_locked_while_it_is(tmp_path: Path) -> None:
    assert parts.is_locked(tmp_path) is False
    with locked_directory(tmp_path):
        assert parts.is_locked(tmp_path) is True
    assert parts.is_locked(tmp_path) is False


def test_a_lock_is_not_known_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parts.is_locked(tmp_path / "nowhere") is None
    monkeypatch.setattr("fcntl.flock", fail)
    assert parts.is_locked(tmp_path) is None


def test_a_look_at_a_lock_keeps_nobody_out(tmp_path: Path) -> None:
    """Who wants the lock at that moment tries again."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert parts.lock(descriptor)
    threading.Timer(0.3, os.close, [descriptor]).start()
    with locked_directory(tmp_path):
        pass
