"""Reading a file of a run: whatever is wrong with it becomes one line."""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from safetensors import SafetensorError

from pdas.support.errors import RunError, reason
from pdas.support.opening import is_there, read_text
from pdas.support.plain_data import safe_json, safe_yaml

T = TypeVar("T")

_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,  # an archive packed in an unknown way, a network that does not fit in memory
    ArithmeticError,  # numbers that are too large for what is made of them
    MemoryError,
    csv.Error,
    yaml.YAMLError,
    zipfile.BadZipFile,
    zlib.error,
    SafetensorError,
)
_REMEDY = "restore it, or search or retrain again"


def read_file(file: Path, parse: Callable[[Path], T]) -> T:
    """What `parse` makes of a file; anything that goes wrong becomes one line.

    Args:
        file: its path.
        parse: reads the file.

    Returns:
        What `parse` returns.

    Raises:
        RunError: the file is missing or damaged; the message names it.
    """
    try:
        return parse(file)
    except RunError:  # of another file, which this one needs
        raise
    except FileNotFoundError as error:
        raise RunError(f"{file}: missing; {_REMEDY}") from error
    except _DAMAGE as error:
        # Cut short, since torch names every weight that does not fit.
        raise RunError(f"{file}: damaged ({reason(error)}); {_REMEDY}") from error


def has_file(file: Path) -> bool:
    """Whether there is a file.

    Args:
        file: its path.

    Raises:
        RunError: that cannot be known, as where the directory may not be entered.
    """
    with _known(file):
        return is_there(file)


def names_in(directory: Path) -> list[str]:
    """The names of what is in a directory.

    Args:
        directory: its path.

    Raises:
        RunError: it cannot be read.
    """
    with _known(directory):
        return os.listdir(directory)


@contextmanager
def _known(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or reason(error)
        raise RunError(
            f"run: {path} cannot be read ({why}); check the path and its rights"
        ) from error


def parse_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file, for `Run.read`.

    Args:
        file: its path.

    Raises:
        ValueError: it holds something else.
    """
    return _mapping(safe_json(read_text(file)), "the file")


def parse_config(file: Path) -> dict[str, Any]:
    """All of a `config.yaml`, for `Run.read`; "recipe" and "environment" are always there.

    Args:
        file: its path.

    Raises:
        ValueError: it holds something else.
    """
    config = _mapping(safe_yaml(read_text(file)), "the file")
    return config | {key: _mapping(config.get(key, {}), key) for key in ("recipe", "environment")}


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {type(value).__name__}, not a mapping")
    return {str(key): item for key, item in value.items()}
