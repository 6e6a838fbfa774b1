"""Where the images of a tar file are, so that each is read in place.

The files of an archive are never written anywhere, so a path in it can lead nowhere; a name that is
none of a plain file is refused all the same. The end of an archive is checked: Python's own reader
takes a damaged header for the end.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from pdas.data.archives.member import Members
from pdas.data.files import EXTENSIONS, is_visible
from pdas.support.errors import DataError, RunError, reason
from pdas.support.files import atomic_write
from pdas.support.opening import read_arrays
from pdas.support.refusals import refusal, refuse

BLOCK = 512  # bytes; a tar file is made of these, and ends with some of zeros
INDEX = ".pdas-index.npz"  # after the name of the archive
ARRAYS = ("names", "offsets", "sizes", "about")
VERSION = 1  # of the index


def tar_images(path: Path, *, nested: bool, keep: bool) -> Members:
    """The images of a tar file, sorted by name.

    They are found by reading its headers once, which is kept in a file beside it.

    Args:
        path: of the archive.
        nested: whether it holds a tar file for each class, of which the images are; an image is
            then named CLASS/IMAGE.
        keep: whether the index may be written; one that is there is read anyway.

    Raises:
        DataError: the archive is damaged, or holds what is neither a file nor a folder.
    """
    index = path.with_name(path.name + INDEX)
    try:
        about = path.stat()
        expected = [VERSION, nested, about.st_size, about.st_mtime_ns]
        found = _kept(index, path, expected)
        if found is None:
            found = _found(path, nested)
            if keep:
                _keep(index, found, expected)
    except (OSError, tarfile.TarError, ValueError, ArithmeticError) as error:
        raise refusal(
            DataError,
            str(path),
            found=f"no whole tar file ({reason(error)})",
            expected="one with all its files",
            remedy="fetch it again",
        ) from error
    return found


def _kept(index: Path, path: Path, expected: list[int]) -> Members | None:
    """What the index says; None if there is none of just this archive."""
    try:
        names, offsets, sizes, about = read_arrays(index, ARRAYS).values()
    except (OSError, ValueError, LookupError, zipfile.BadZipFile, zlib.error):
        return None
    is_whole = about.tolist() == expected and names.dtype.kind == "S"
    is_whole = is_whole and names.shape == offsets.shape == sizes.shape and names.ndim == 1
    if not is_whole or not offsets.dtype == sizes.dtype == np.int64:
        return None
    return Members(str(path), names, offsets, sizes)


def _keep(index: Path, found: Members, about: list[int]) -> None:
    try:
        with atomic_write(index) as file:
            np.savez(
                file,
                names=found.names,
                offsets=found.offsets,
                sizes=found.sizes,
                about=np.array(about),
            )
    except RunError:
        pass  # a directory that may only be read: the next start reads the headers again


def _found(path: Path, nested: bool) -> Members:
    with open(path, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        rows = list(_classes(file, path, end) if nested else _files(file, path, 0, end))
    images = sorted(row for row in rows if _is_image(row[0]))
    names = [name for name, _, _ in images]
    ranges = np.array([row[1:] for row in images], np.int64).reshape(-1, 2)
    return Members(str(path), np.array(names, "S"), *ranges.T.copy())


Row = tuple[bytes, int, int]
"""Name, offset and size of a file."""


def _classes(file: BinaryIO, path: Path, end: int) -> Iterator[Row]:
    """The files of the archives in an archive."""
    for name, offset, size in _files(file, path, 0, end):
        stem, extension = os.path.splitext(name)
        if extension != b".tar":
            _refuse(path, f"{os.fsdecode(name)!r} in it", "a tar file for each class")
        for inner, first, length in _files(file, path, offset, offset + size):
            yield stem + b"/" + inner, first, length


def _files(file: BinaryIO, path: Path, start: int, end: int) -> Iterator[Row]:
    """The files between two bytes of a tar file."""
    file.seek(start)
    with tarfile.TarFile(fileobj=file) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
            if info.isdir():
                continue
            name = info.name.removeprefix("./")
            is_plain = info.isreg() and not info.issparse()
            if not is_plain or os.path.basename(name) != name or name in ("", ".", ".."):
                _refuse(
                    path, f"{info.name!r} in it", "plain files, without a folder in their names"
                )
            if info.size < 0 or info.offset_data + info.size > end:
                raise tarfile.ReadError(f"{name} ends after byte {end}")
            yield os.fsencode(name), info.offset_data, info.size
        file.seek(tar.offset)
        if tar.offset + BLOCK > end or file.read(BLOCK).strip(b"\0"):
            raise tarfile.ReadError(f"no header and no end at byte {tar.offset}")


def _is_image(name: bytes) -> bool:
    text = os.fsdecode(name)
    return os.path.splitext(text)[1].lower() in EXTENSIONS and is_visible(os.path.basename(text))


def _refuse(path: Path, found: str, expected: str) -> NoReturn:
    remedy = "use the original archive, or unpack it into folders"
    refuse(DataError, str(path), found=found, expected=expected, remedy=remedy)
