"""The library of this process: loaded once, or known to be missing and why."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from pdas.kernels.building import (
    BuildError,
    instruction_set,
    kept,
    make,
    record_failure,
    shipped,
)
from pdas.support.errors import reason

_log = logging.getLogger(__name__)
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Library:
    """Whether the operators are there.

    Attributes:
        missing: why they are not, in a few words; empty if they are.
        origin: "wheel" or "built here".
        instructions: the instruction set that they use.
        registered: what holds their gradients.

    Example:
        library().missing
    """

    missing: str = ""
    origin: str = ""
    instructions: str = ""
    registered: object = None


def library() -> Library:
    """The library of this process, which is loaded, and before that made, by the first call."""
    with _ONE_AT_A_TIME:  # torch takes the operators of a library once
        return _library()


@cache
def _library() -> Library:
    in_wheel = shipped()
    try:
        if in_wheel:
            _load(in_wheel)
        else:
            _load_kept(kept())
    except BuildError as error:
        _log.warning("kernels: %s; torch's own operations are used", reason(error))
        return Library(missing=reason(error))
    from pdas.kernels import operators  # gives them gradients, so they must be there

    origin = "wheel" if in_wheel else "built here"
    return Library("", origin, instruction_set(), registered=operators.register())


def _load_kept(path: Path) -> None:
    """Load the library of this user, which is made where it is not there or is damaged."""
    if path.is_file():
        try:
            return _load(path)
        except BuildError:
            with suppress(OSError):
                path.unlink()
    make(path)
    try:
        _load(path)
    except BuildError as error:
        record_failure(path, reason(error))
        raise


def _load(path: Path) -> None:
    try:
        torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
    except OSError as error:
        raise BuildError(f"it cannot be loaded: {error.__cause__ or error}") from error
