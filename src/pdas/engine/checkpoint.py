"""Checkpoints: written whole or not at all, the last two kept, and told when they are damaged.

A file is what `torch.save` writes of plain data and tensors, then a line with the format and the
SHA-256 of what is before it. It is read with `weights_only`, so it cannot run code.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch

from pdas.errors import PdasWarning, RunError
from pdas.files import written_whole

_log = logging.getLogger(__name__)

FORMAT = 1
KEPT = 2
SHARE = 0.01  # of a run's time that goes into checkpoints, at most
_MARK = b"\nPDAS checkpoint, format "
_TRAILER = len(_MARK) + len("00001 ") + hashlib.sha256().digest_size * 2


class Checkpoints:
    """The checkpoints of one training in a directory, `step-<number>.ckpt`.

    Args:
        directory: made with the first checkpoint.
        seconds: from one to the next, at least.
    """

    def __init__(self, directory: Path, seconds: float = 60.0) -> None:
        self.directory = directory
        self._seconds = seconds
        self._last = time.monotonic()
        self._took = 0.0

    def due(self) -> bool:
        """Whether it is time for one: not so often that they take more than 1 % of the time."""
        return time.monotonic() - self._last >= max(self._seconds, self._took / SHARE)

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write the state after a step: plain data and tensors.

        Raises `RunError` if it cannot be written; the earlier ones are as they were.
        """
        start = time.monotonic()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"checkpoint: {self.directory} cannot be made ({error.strerror}); mend that, and "
                "go on with --resume"
            ) from error
        with written_whole(self._path(step)) as file:
            _write(file, state)
        for old in self._paths()[:-KEPT]:
            old.unlink()
        self._last = time.monotonic()
        self._took = self._last - start
        _log.info("checkpoint: %s written in %.1f s", self._path(step), self._took)

    def load(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """The state of the newest checkpoint that is whole; None if there is none.

        A damaged one is named in a `PdasWarning`.
        """
        for path in reversed(self._paths()):
            try:
                return _read(path, device)
            except (OSError, ValueError) as error:
                warnings.warn(
                    f"checkpoint: {path} is damaged ({error}); the one before it is used",
                    PdasWarning,
                    stacklevel=2,
                )
        return None

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:09d}.ckpt"

    def _paths(self) -> list[Path]:
        return sorted(self.directory.glob("step-*.ckpt"))


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return self._file.write(data)


def _write(file: IO[bytes], state: Mapping[str, Any]) -> None:
    hashing = _Hashing(file)
    torch.save(dict(state), cast(IO[bytes], hashing))
    file.write(_MARK + f"{FORMAT:05d} {hashing.sha256.hexdigest()}".encode())


def _read(path: Path, device: torch.device | str) -> dict[str, Any]:
    """The state in a file; raises ValueError if it is not whole."""
    content = memoryview(path.read_bytes())
    payload, trailer = content[:-_TRAILER], bytes(content[-_TRAILER:])
    if not trailer.startswith(_MARK):
        raise ValueError("it is cut short")
    found, digest = trailer.removeprefix(_MARK).decode(errors="replace").split(" ")
    if found != f"{FORMAT:05d}":
        raise ValueError(f"it has format {found}, while this version reads {FORMAT}")
    if hashlib.sha256(payload).hexdigest() != digest:
        raise ValueError("its checksum is another one")
    state: dict[str, Any] = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    return state
