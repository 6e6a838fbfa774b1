"""A directory for a run that is about to begin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError
from pdas.support.files import creating_directory, locked_directory


@contextmanager
def new_directory(path: Path, setting: str) -> Iterator[Path]:
    """Make a directory that must not hold anything yet, for the time of a `with` block.

    If a `PdasError` ends the block, what was made is removed, with the directories above it. It
    stays if it holds the metrics of an epoch, or a checkpoint.

    Args:
        path: of the directory.
        setting: that names the directory, for messages.

    Yields:
        The path.

    Raises:
        RunError: the directory holds something, is no directory or cannot be made.
    """
    with creating_directory(path, setting):
        _refuse_taken(path, setting)
        made = [above for above in (path, *path.parents) if not above.exists()]
        path.mkdir(parents=True, exist_ok=True)
    with locked_directory(path):
        _refuse_taken(path, setting)  # again, since another process may have been faster
        try:
            yield path
        except PdasError:
            if not any(kept for name in ("metrics.csv", "*.ckpt") for kept in path.rglob(name)):
                _remove(path, made)
            raise


def _remove(path: Path, made: Sequence[Path]) -> None:
    with suppress(OSError):  # the error that led here is the one to raise
        for content in path.iterdir():
            shutil.rmtree(content) if content.is_dir() else content.unlink()
    for above in made:
        with suppress(OSError):  # another run may be in it by now
            above.rmdir()


def _refuse_taken(path: Path, setting: str) -> None:
    if not path.exists() or (path.is_dir() and all(map(_is_partial, path.iterdir()))):
        return
    if Run(path).is_unfinished:
        state = (
            f"holds a {Run(path).stage} that has not finished; continue with --resume, remove it"
        )
        raise RunError(f"{setting}: {path} {state}, or give another")
    raise RunError(f"{setting}: {path} already exists and is not empty; give another")


def _is_partial(file: Path) -> bool:
    """Whether a process left it that was killed before a first file was complete."""
    return file.suffix == ".part"
