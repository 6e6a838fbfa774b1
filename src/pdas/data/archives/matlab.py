"""MATLAB files, which may stand for far more bytes than they have."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

PACKED = 15  # the type of an element that zlib has packed


def read_matlab(content: bytes, largest: int) -> dict[str, Any]:
    """The variables of a MATLAB file, without dimensions of size 1.

    Args:
        content: of the file.
        largest: bytes that it may stand for.

    Raises:
        Exception: of nearly any type, if it is damaged; ValueError, if it is too large.
    """
    from scipy.io import loadmat  # slow to import

    _check_unpacked(content, largest)
    found: dict[str, Any] = loadmat(io.BytesIO(content), squeeze_me=True)
    return found


def _check_unpacked(content: bytes, largest: int) -> None:
    """Check the size before anything is unpacked.

    After 128 bytes there are elements, each with its type and the number of its bytes in front.
    """
    place, unpacked = 128, 0
    while place + 8 <= len(content):
        kind, count = struct.unpack_from("<II", content, place)
        if kind == PACKED:
            part = content[place + 8 : place + 8 + count]
            unpacked += len(zlib.decompressobj().decompress(part, largest + 1))
        if unpacked > largest:
            raise ValueError(f"it stands for more than {largest} bytes")
        place += 8 + count
