"""Files that are no files, or too large, are refused; nothing waits for them or grows with them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pdas.support import opening
from pdas.support.opening import open_file, read_arrays, read_bytes, read_text
from tests.waiting import never_waits


@pytest.fixture(autouse=True)
def _never_waits() -> Iterator[None]:
    with never_waits():
        yield


def sparse(path: Path) -> None:
    """A file of 1 TB that takes no room."""
    path.touch()
    os.truncate(path, 10**12)


TROUBLES: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "missing": (lambda path: None, FileNotFoundError, "."),
    "pipe": (os.mkfifo, ValueError, "no regular file"),
    "link to a pipe": (
        lambda path: (os.mkfifo(path.with_name("p")), path.symlink_to(path.with_name("p"))),
        ValueError,
        "no regular file",
    ),
    "endless": (lambda path: path.symlink_to("/dev/zero"), ValueError, "no regular file"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), ValueError, "no regular file"),
    "folder": (lambda path: path.mkdir(), IsADirectoryError, "."),
    "link to itself": (lambda path: path.symlink_to(path), OSError, "."),
    "sparse": (sparse, ValueError, "1000000000000 bytes, more than 10000000"),
    "memory of the kernel": (lambda path: path.symlink_to("/proc/kcore"), Exception, "."),
    "too long a name": (lambda path: None, OSError, "."),
}


def path_of(folder: Path, trouble: str) -> Path:
    return folder / ("x" * 300 if trouble == "too long a name" else "file")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, trouble: str) -> None:
    make, kind, message = TROUBLES[trouble]
    make(path_of(tmp_path, trouble))
    for read in (read_text, lambda path: open_file(path, 10_000_000)):
        with pytest.raises((OSError, ValueError), match=message) as error:
            read(path_of(tmp_path, trouble))
        assert isinstance(error.value, kind)


def test_a_name_with_a_null_is_no_file() -> None:
    with pytest.raises(ValueError, match="null"):
        read_text(Path("a\0b"))


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    file = os.stat(tmp_path / "file")
    monkeypatch.setattr(opening.os, "stat", lambda path: file)
    with pytest.raises(ValueError, match="no regular file"):
        read_bytes(tmp_path / "pipe", 10)


def test_a_file_without_a_size_of_its_own_is_bounded_while_it_is_read() -> None:
    assert os.stat("/proc/self/maps").st_size == 0
    with pytest.raises(ValueError, match="more than its 0 bytes"):
        read_bytes("/proc/self/maps", 10)


def test_files_and_links_to_them_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ä", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        assert read_text(tmp_path / name) == "ä"
        assert read_bytes(tmp_path / name, 2) == "ä".encode()
        with pytest.raises(ValueError, match="2 bytes, more than 1"):
            read_bytes(tmp_path / name, 1)
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "a")


# ---- archives of numpy


def test_arrays_are_those_of_numpy(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "yz"]), "c": np.array(1)}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)  # type: ignore[operator]
        read = read_arrays(tmp_path / "a.npz", ["c"], optional=["d", "a"])
        assert list(read) == ["c", "a"]
        for name, array in read.items():
            assert array.dtype == arrays[name].dtype and np.array_equal(array, arrays[name])


def test_arrays_that_stand_for_more_than_sensible_are_refused_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1_000_000), b=np.zeros(10))
    monkeypatch.setattr(opening, "LARGEST_ARRAYS", 1_000_000)
    assert len(read_arrays(tmp_path / "a.npz", ["b"])["b"]) == 10  # the other is not unpacked
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(ValueError, match="its arrays take 8000336 bytes, more than 1000000"):
        read_arrays(tmp_path / "a.npz", ["a", "b"])


def npz(path: Path, header: str, data: bytes = b"") -> None:
    text = header.ljust(117).encode() + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data
        archive.writestr("a.npy", content)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 40 + ",)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|V2000000000', 'fortran_order': False, 'shape': (1000000,)}",
        "{'descr': 'x', 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').abort()",
        "(" * 100,
        "",
    ],
)
def test_an_array_that_its_header_lies_about_is_refused(tmp_path: Path, header: str) -> None:
    npz(tmp_path / "a.npz", header, b"1234567890")
    with pytest.raises(ValueError):
        read_arrays(tmp_path / "a.npz", ["a"])


def test_what_is_no_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK no archive")
    with pytest.raises(zipfile.BadZipFile):
        read_arrays(tmp_path / "a.npz", ["a"])
    np.savez(tmp_path / "a.npz", b=np.zeros(1))
    with pytest.raises(LookupError):
        read_arrays(tmp_path / "a.npz", ["a"])
