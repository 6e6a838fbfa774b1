"""The base of all settings, and what is wrong with them in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pdas.errors import SettingError


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key or an infinite number is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=Settings)


def validated(kind: type[S], values: Mapping[str, Any], prefix: str = "") -> S:
    """Settings of this kind; raises `SettingError` for the first value that does not fit.

    `prefix` is the group of the settings in a recipe, as "search".
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise SettingError(one_line(error, prefix)) from None


def one_line(error: ValidationError, prefix: str = "") -> str:
    """The first problem of a validation error: the setting, what was found, what was expected."""
    first = error.errors()[0]
    key = ".".join([*filter(None, [prefix]), *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        return f"{key}: there is no such setting; see the keys in `pdas recipes --show NAME`"
    message = first["msg"].removeprefix("Value error, ")
    if message.startswith("Input should be "):
        message = f"expected {message.removeprefix('Input should be ')}"
    return f"{key}: found {first['input']!r}, {message[0].lower()}{message[1:]}"
