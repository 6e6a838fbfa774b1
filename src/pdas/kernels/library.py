"""The library of this process: loaded once, or known to be missing and why."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from pdas.kernels.building import SHIPPED, BuildError, built, instruction_set, shipped
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
    found = shipped()
    try:
        path = found or built()
        _load(path)
    except BuildError as error:
        _log.warning("kernels: %s; torch's own operations are used", reason(error))
        return Library(missing=reason(error))
    from pdas.kernels import operators  # gives them gradients, so they must be there

    origin = "wheel" if found else "built here"
    return Library("", origin, instruction_set(), registered=operators.register())


def _load(path: Path) -> None:
    """Load it; what cannot be loaded is removed from the cache, so that it is made anew."""
    try:
        torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
    except OSError as error:
        if not path.is_relative_to(SHIPPED):
            path.unlink(missing_ok=True)
        raise BuildError(f"it cannot be loaded: {error.__cause__ or error}") from error
