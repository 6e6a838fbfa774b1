"""Files that a writer has made in a directory, and can take back without loss to the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pdas.support.files import atomic_write


class OwnFiles:
    """What one writer has made in a directory.

    Args:
        directory: it must exist when a file is written.

    Example:
        files = OwnFiles(Path("out"))
        with files.write("network.json") as file:
            file.write(b"{}")
        files.remove()
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: set[Path] = set()

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """As `atomic_write`.

        Args:
            name: of the file.

        Raises:
            RunError: the file cannot be written.
        """
        path = self._directory / name
        if not path.exists():
            self._made.add(path)
        with atomic_write(path) as file:
            yield file

    def remove(self) -> None:
        """Remove the files that were not there before, and no others."""
        for path in self._made:
            with suppress(OSError):
                path.unlink()
