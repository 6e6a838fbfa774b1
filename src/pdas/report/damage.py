"""What a report does with a damaged file: it says so, and shows the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pdas.support.errors import RunError

T = TypeVar("T")


def kept(damage: list[str], read: Callable[[], T]) -> T | None:
    """What was read; of a damaged file nothing, and a line more.

    Args:
        damage: the lines until now.
        read: reads a file, or makes a part of a page of it.
    """
    try:
        return read()
    except RunError as error:
        damage.append(str(error))
        return None
