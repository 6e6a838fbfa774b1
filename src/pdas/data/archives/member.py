"""A file within an archive that is not packed, and many of them in little memory."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Member:
    """A file that is a range of bytes of another one.

    Attributes:
        archive: the path of the file that holds it.
        name: in the archive.
        offset: of its first byte.
        size: in bytes.

    Example:
        Member("images.tar", "n01440764/a.JPEG", 512, 20_000).open()
    """

    archive: str
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"

    def open(self, most: int) -> BinaryIO:
        """Its content, as a file in memory.

        Args:
            most: bytes that it may have.

        Raises:
            OSError: the archive cannot be read.
            ValueError: it has more bytes than `most`, or the archive ends before it does.
        """
        if self.size > most:
            raise ValueError(f"it has {self.size} bytes, more than {most}")
        descriptor = os.open(self.archive, os.O_RDONLY)
        try:
            content = os.pread(descriptor, self.size, self.offset)
        finally:
            os.close(descriptor)
        if len(content) < self.size:
            raise ValueError("the archive ends before it does")
        return io.BytesIO(content)


class Members(Sequence[Member]):
    """Members of one archive, in a few arrays.

    A process that decodes shares these with its parent: an object for each of a million files would
    be copied as soon as it is looked at.

    Args:
        archive: its path.
        names: in the archive, encoded as the system encodes file names, `S` (N,).
        offsets: int64 (N,).
        sizes: int64 (N,).

    Example:
        Members("images.tar", np.array([b"a.JPEG"]), np.array([512]), np.array([20_000]))[0]
    """

    def __init__(
        self,
        archive: str,
        names: NDArray[np.bytes_],
        offsets: NDArray[np.int64],
        sizes: NDArray[np.int64],
    ) -> None:
        self.archive = archive
        self.names = names
        self.offsets = offsets
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Member: ...
    @overload
    def __getitem__(self, index: slice) -> Members: ...
    def __getitem__(self, index: int | slice) -> Member | Members:
        if isinstance(index, slice):
            return Members(self.archive, self.names[index], self.offsets[index], self.sizes[index])
        name = os.fsdecode(bytes(self.names[index]))
        return Member(self.archive, name, int(self.offsets[index]), int(self.sizes[index]))

    def take(self, indices: NDArray[np.int64]) -> Members:
        """Some of them.

        Args:
            indices: in the order that they shall have.
        """
        return Members(
            self.archive, self.names[indices], self.offsets[indices], self.sizes[indices]
        )
