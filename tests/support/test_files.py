"""Files are whole or as they were, whatever fails while they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pdas.support.errors import RunError
from pdas.support.files import atomic_write


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
    for name in ("a", "a.part"):
        (run / name).symlink_to(outside)
    write(run / "a", b"new")
    assert outside.read_bytes() == b"mine"
    assert not (run / "a").is_symlink() and (run / "a").read_bytes() == b"new"


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"half of what was written")
    write(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"
