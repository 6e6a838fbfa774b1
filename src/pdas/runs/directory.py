"""A directory for a run that is about to begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.support.files import creating_directory, locked_directory
from pdas.support.writing.parts import is_part


@contextmanager
def new_directory(path: Path, setting: str) -> Iterator[Path]:
    """Make a directory that must not hold anything yet, for the time of a `with` block.

    After an error it is removed, with the directories above it that were made. One that holds
    something stays: who wrote a file removes it, and a file of the user is never removed.

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
    try:
        with creating_directory(path, setting):
            path.mkdir(parents=True, exist_ok=True)
        with locked_directory(path):
            _refuse_taken(path, setting)  # again, since another process may have been faster
            yield path
    except BaseException:
        for directory in made:
            with suppress(OSError):  # it holds something
                directory.rmdir()
        raise


def _refuse_taken(path: Path, setting: str) -> None:
    """Refuse a directory with more than what a process left that was killed at its first file."""
    if not path.exists() or (path.is_dir() and all(map(is_part, path.iterdir()))):
        return
    if Run(path).is_unfinished:
        state = (
            f"holds a {Run(path).stage} that has not finished; continue with --resume, remove it"
        )
        raise RunError(f"{setting}: {path} {state}, or give another")
    state = "already exists and is not empty" if path.is_dir() else "is not a directory"
    raise RunError(f"{setting}: {path} {state}; give another")
