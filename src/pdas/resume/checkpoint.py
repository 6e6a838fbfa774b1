"""Checkpoints: atomic writes, the last two are kept, and damage is noticed.

A file has the output of `torch.save` for plain data and tensors, then a line with the format and
the SHA-256 of all before it. It is read with `weights_only`, so it cannot run code.

If a file is damaged, the one before it is read. If all are damaged, that is an error: to start
again without a question could lose a day of training.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import time
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

import torch

from pdas.support.errors import CheckpointError, PdasWarning, reason
from pdas.support.files import atomic_write, creating_directory
from pdas.support.opening import read_bytes
from pdas.support.refusals import refuse
from pdas.support.writing.parts import remove_left_parts

_log = logging.getLogger(__name__)

FORMAT = 4
KEPT = 2
LARGEST = 2**36  # bytes of one checkpoint
SHARE = 0.01  # the largest share of a run's time for checkpoints
_MARK = b"\nPDAS checkpoint, format "
_TRAILER = len(_MARK) + len("00001 ") + hashlib.sha256().digest_size * 2


class Checkpoints:
    """The checkpoints of one training in a directory, `step-<number>.ckpt`.

    Args:
        directory: created with the first checkpoint.
        seconds: the least time between two checkpoints.

    Attributes:
        directory: see above.

    Example:
        checkpoints = Checkpoints("run/checkpoint")
        checkpoints.save(10, {"weights": net.state_dict()})
        state = checkpoints.load()
    """

    def __init__(self, directory: str | PathLike[str], seconds: float = 60.0) -> None:
        self.directory = Path(directory)
        self._seconds = seconds
        self._last = time.monotonic()
        self._took = 0.0

    def due(self) -> bool:
        """Whether it is time for a checkpoint. They take at most 1 % of the time."""
        return time.monotonic() - self._last >= max(self._seconds, self._took / SHARE)

    def save(self, step: int, state: Mapping[str, Any], since: float | None = None) -> None:
        """Write the state after a step.

        Args:
            step: the number in the file's name.
            state: plain data and tensors.
            since: the start of the work on it, by `time.monotonic()`; by default now. `due`
                measures the cost of a checkpoint from here.

        Raises:
            RunError: it cannot be written; the earlier ones are unchanged.
        """
        start = time.monotonic() if since is None else since
        with creating_directory(self.directory, "checkpoint", "correct that, and continue"):
            self.directory.mkdir(parents=True, exist_ok=True)
        with atomic_write(self._path(step)) as file:
            _write(file, state)
        _remove(self.paths()[:-KEPT])
        self._last = time.monotonic()
        self._took = self._last - start
        _log.info("checkpoint: %s written in %.1f s", self._path(step), self._took)

    def load(self) -> dict[str, Any] | None:
        """The state of the newest checkpoint that is not damaged.

        A `PdasWarning` names each damaged one, which is renamed to `step-<number>.damaged`.

        Returns:
            The state that was saved; None if there is no checkpoint.

        Raises:
            CheckpointError: all of them are damaged.
        """
        if self.directory.exists() and not self.directory.is_dir():
            refuse(
                CheckpointError,
                "checkpoint",
                found=f"a file at {self.directory}",
                expected="a directory",
                remedy="move it away",
            )
        damaged: list[tuple[Path, Exception]] = []
        for path in reversed(self.paths()):
            try:
                state = _read(path)
            except (OSError, ValueError) as error:
                damaged.append((path, error))
                continue
            _set_aside(damaged)
            return state
        if damaged:
            last, cause = damaged[0]
            raise CheckpointError(
                f"checkpoint: found none that is whole in {self.directory}: of {last.name} "
                f"{cause}; restore one, or remove the directory to begin anew"
            )
        return None

    def remove(self) -> None:
        """Remove all of them, also what was damaged, and then the directory if it is empty."""
        remove_left_parts(self.directory)
        _remove([*self.paths(), *self._named("damaged")])
        with suppress(OSError):  # a file of the user is in it, or there is none
            self.directory.rmdir()

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:09d}.ckpt"

    def paths(self) -> list[Path]:
        """The files of all checkpoints, the oldest first."""
        return self._named("ckpt")

    def _named(self, suffix: str) -> list[Path]:
        """The files of all steps with this suffix; others are of the user."""
        name = re.compile(rf"step-[0-9]{{9,}}\.{suffix}")
        paths = self.directory.glob("step-*")
        return sorted(filter(lambda path: name.fullmatch(path.name), paths), key=_step)


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):  # what cannot be removed does no harm
            path.unlink()


def _set_aside(damaged: Sequence[tuple[Path, Exception]]) -> None:
    """Warn of each damaged file and rename it, so that it does not count as one of the last."""
    for path, error in damaged:
        warnings.warn(
            f"checkpoint: {path} is damaged ({error}); the one before it is used",
            PdasWarning,
            stacklevel=3,
        )
        with suppress(OSError):
            path.replace(path.with_suffix(".damaged"))


class _Hashing(io.RawIOBase):
    """A file that is hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: BaseException | None = None  # of the file, or what a signal raised
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        try:
            return self._file.write(data)
        except BaseException as error:
            self.error = error
            raise


def _write(file: IO[bytes], state: Mapping[str, Any]) -> None:
    hashing = _Hashing(file)
    try:
        torch.save(dict(state), cast(IO[bytes], hashing))
    except RuntimeError:  # torch replaces any error in `write` by this one
        if hashing.error is None:
            raise
        raise hashing.error from None
    file.write(_trailer(FORMAT, hashing.sha256.hexdigest()))


def checkpoints_at(place: Checkpoints | str | PathLike[str] | None) -> Checkpoints | None:
    """Checkpoints as a user gives them, who may name their directory alone.

    Args:
        place: checkpoints, or their directory; None if nothing is kept.
    """
    return Checkpoints(place) if isinstance(place, str | PathLike) else place


def _trailer(version: int, digest: str) -> bytes:
    return _MARK + f"{version:05d} {digest}".encode()


def _read(path: Path) -> dict[str, Any]:
    """The state in a file; a ValueError if the file is damaged."""
    content = memoryview(read_bytes(path, LARGEST))
    payload, trailer = content[:-_TRAILER], bytes(content[-_TRAILER:])
    if not trailer.startswith(_MARK):
        raise ValueError("it does not end as one does")
    version = trailer[len(_MARK) :][:5]
    if version != b"%05d" % FORMAT and version.isdigit():
        raise ValueError(f"it has format {int(version)}, while this version reads {FORMAT}")
    if trailer != _trailer(FORMAT, hashlib.sha256(payload).hexdigest()):
        raise ValueError("its checksum is another one")
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > len(payload):  # torch writes it unpacked, and would unpack it without a limit
            raise ValueError(f"it stands for {unpacked} bytes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of files that it has not written
            state: object = torch.load(io.BytesIO(payload), "cpu", weights_only=True)
    except Exception as error:  # the checksum is right, but the file may be from someone else
        raise ValueError(f"{type(error).__name__}: {reason(error)}") from error
    if not isinstance(state, dict):
        raise ValueError(f"it holds {type(state).__name__}, not a mapping")
    return state
