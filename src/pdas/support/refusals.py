"""The one way to refuse a value of the user: setting, found, expected, what to do.

`refuse` raises. The checks below it refuse values out of range.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import NoReturn

import numpy as np

from pdas.support.errors import PdasError, SettingError, clipped, short

LARGEST = sys.float_info.max


def refusal(
    kind: type[PdasError], setting: str, *, found: str, expected: str, remedy: str = ""
) -> PdasError:
    """The exception of `refuse`, to be raised later or from another exception."""
    line = f"{clipped(setting)}: found {clipped(found)}, expected {expected}"
    return kind(f"{line}; {remedy}" if remedy else line)


def refuse(
    kind: type[PdasError], setting: str, *, found: str, expected: str, remedy: str = ""
) -> NoReturn:
    """Raise an error of one line: "setting: found ..., expected ...; remedy".

    Args:
        kind: the exception.
        setting: its name as the user writes it, as "limit.maximum" or "--seeds".
        found: what was found, as text; for a value its `repr`. A long one is clipped.
        expected: what would be right.
        remedy: what the user can do.

    Raises:
        PdasError: always; it is a `kind`.

    Example:
        refuse(SettingError, "alpha", found="-1", expected="a number above 0", remedy="raise it")
    """
    raise refusal(kind, setting, found=found, expected=expected, remedy=remedy) from None


def check_integer(
    setting: str, value: object, least: int, remedy: str = "raise it", most: int | None = None
) -> None:
    """Check that `value` is an integer of at least `least`, and of at most `most` if there is one.

    Raises:
        SettingError: it is not.
    """
    if not is_integer(value) or value < least or (most is not None and value > most):  # type: ignore[operator]
        expected = f"an integer of at least {least}"
        expected = expected if most is None else f"an integer from {least} to {most}"
        refuse(SettingError, setting, found=short(value), expected=expected, remedy=remedy)


def check_positive(setting: str, value: object, remedy: str) -> None:
    """Check that `value` is a finite number above 0.

    Raises:
        SettingError: it is not.
    """
    if not is_finite(value) or not value > 0:  # type: ignore[operator]
        refuse(
            SettingError,
            setting,
            found=short(value),
            expected="a finite number above 0",
            remedy=remedy,
        )


def check_one_of(
    setting: str,
    value: object,
    choices: Collection[object],
    remedy: str = "",
    kind: type[PdasError] = SettingError,
) -> None:
    """Check that `value` is one of `choices`.

    Raises:
        PdasError: it is not; the error is a `kind`.
    """
    if value not in choices:
        expected = f"one of {', '.join(map(str, choices))}"
        refuse(kind, setting, found=short(value), expected=expected, remedy=remedy)


def is_integer(value: object) -> bool:
    """Whether `value` is a whole number of an integer type; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_finite(value: object) -> bool:
    """Whether `value` is a finite number; True and False are not."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        return False
    return bool(-LARGEST <= value <= LARGEST)  # an integer may be larger than any float
