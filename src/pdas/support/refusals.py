"""The one way to refuse what a user gave: setting, found, expected, what to do.

`refuse` raises; the checks below it refuse what is out of range.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NoReturn

import numpy as np

from pdas.support.errors import PdasError, SettingError, short


def refusal(
    kind: type[PdasError], setting: str, *, found: str, expected: str, remedy: str = ""
) -> PdasError:
    """The exception of `refuse`, where it is to be raised later or from another one."""
    line = f"{setting}: found {found}, expected {expected}"
    return kind(f"{line}; {remedy}" if remedy else line)


def refuse(
    kind: type[PdasError], setting: str, *, found: str, expected: str, remedy: str = ""
) -> NoReturn:
    """Raise an error of one line: "setting: found ..., expected ...; remedy".

    Args:
        kind: the exception.
        setting: its name as the user writes it, as "limit.maximum" or "--seeds".
        found: what was found, as text; `repr` of a value.
        expected: what would do.
        remedy: what the user can do about it.

    Raises:
        PdasError: always, of `kind`.

    Example:
        refuse(SettingError, "alpha", found="-1", expected="a number above 0", remedy="raise it")
    """
    raise refusal(kind, setting, found=found, expected=expected, remedy=remedy) from None


def check_integer(setting: str, value: object, least: int, remedy: str = "raise it") -> None:
    """Raise `SettingError` unless `value` is an integer of at least `least`."""
    if not is_integer(value) or value < least:  # type: ignore[operator]
        expected = f"an integer of at least {least}"
        refuse(SettingError, setting, found=short(value), expected=expected, remedy=remedy)


def check_positive(setting: str, value: object, remedy: str) -> None:
    """Raise `SettingError` unless `value` is a finite number above 0."""
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
    """Raise an error of `kind` unless `value` is one of `choices`."""
    if value not in choices:
        expected = f"one of {', '.join(map(str, choices))}"
        refuse(kind, setting, found=short(value), expected=expected, remedy=remedy)


def is_integer(value: object) -> bool:
    """Whether `value` is a whole number of an integer type; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_finite(value: object) -> bool:
    """Whether `value` is a finite number; True and False are not."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
