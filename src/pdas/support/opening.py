"""Reading files without trust in their author: regular files only, of a bounded size.

A pipe would wait for its other end, a device may never end, and a few bytes of an archive can stand
for more than there is memory for. Whatever is wrong is an `OSError` or a `ValueError`, which the
caller makes a line that names the file.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Sequence
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

LARGEST_TEXT = 10_000_000  # bytes; no file of text of a run comes near
LARGEST_ARRAYS = 2**28  # bytes, unpacked: a theta of 100 variables for some 40,000 epochs


def open_file(path: str | PathLike[str], most: int) -> BinaryIO:
    """Open a regular file for reading; a link to one is followed.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no regular file, or too large.
    """
    _check(os.stat(path), most)  # before it is opened, which by itself may change a device
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    try:
        _check(os.fstat(file.fileno()), most)  # it may be another one by now
    except BaseException:
        file.close()
        raise
    return file


def is_there(path: str | PathLike[str]) -> bool:
    """Whether there is anything at a path, of whatever kind; a link to nothing is nothing.

    Args:
        path: to look at.

    Raises:
        OSError: that cannot be known, as where a directory may not be entered.
        ValueError: it is no path.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read_bytes(path: str | PathLike[str], most: int) -> bytes:
    """The content of a regular file.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, or too large.
    """
    with open_file(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) > size:  # it grows, or has no size of its own, as in /proc
        raise ValueError(f"it has more than its {size} bytes")
    return content


def read_text(path: str | PathLike[str], most: int = LARGEST_TEXT) -> str:
    """The text of a regular file.

    Args:
        path: of the file, which is UTF-8.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, too large, or no text.
    """
    return read_bytes(path, most).decode("utf-8")


def read_arrays(
    path: str | PathLike[str], names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, npt.NDArray[Any]]:
    """Arrays of an archive of numpy, an `.npz`.

    Args:
        path: of the file.
        names: of the arrays.
        optional: names of those that may be missing.

    Returns:
        The arrays by name, in this order.

    Raises:
        OSError: it cannot be read.
        ValueError, LookupError, zipfile.BadZipFile, zlib.error: it is no such file, an array is not
            in it, or the arrays are too large; the last is said before they are unpacked.
    """
    with open_file(path, LARGEST_ARRAYS) as file, zipfile.ZipFile(file) as archive:
        there = set(archive.namelist())
        found = [*names, *(name for name in optional if f"{name}.npy" in there)]
        members = {name: archive.getinfo(f"{name}.npy") for name in found}
        unpacked = sum(member.file_size for member in members.values())
        if unpacked > LARGEST_ARRAYS:
            raise ValueError(f"its arrays take {unpacked} bytes, more than {LARGEST_ARRAYS}")
        return {name: _array(archive.read(member)) for name, member in members.items()}


def _array(content: bytes) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # its header, which is a Python literal, can fail in many ways
        raise ValueError(f"no array with the shape and type that it names ({error})") from error
    return array


def _check(status: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError("it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if status.st_size > most:
        raise ValueError(f"it has {status.st_size} bytes, more than {most}")


def _without_waiting(path: str, flags: int) -> int:
    # If a pipe took the place of the file just now, it is opened at once, and then refused.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
