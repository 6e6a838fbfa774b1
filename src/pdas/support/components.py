"""Parts of a recipe that are chosen by name and own their settings.

`search.optimizer: adamw` is short for `search.optimizer: {name: adamw}`; further keys are settings
of that component. What is left out is as in the default of the field, if that has the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import ValidationError

from pdas.support.errors import SettingError
from pdas.support.settings import Settings, one_line


class Component(Settings):
    """Settings of something that is chosen by its name."""

    name: str


C = TypeVar("C", bound=Settings)


def component(value: object, kind_of: Callable[[str], type[C]], default: C, key: str = "name") -> C:
    """The settings of a component from what a recipe or a user says of it.

    Args:
        value: a name, a mapping with the key `key`, or the settings themselves.
        kind_of: the class of settings of a name.
        default: of the field; what is left out is as in it, if the names are the same.
        key: under which the name is.

    Raises:
        ValueError: for a validator of pydantic, which names the field: what does not fit.
    """
    if isinstance(value, Settings):
        return value  # type: ignore[return-value]
    values = {key: value} if isinstance(value, str) else value
    if not isinstance(values, Mapping):
        raise ValueError(f"expected a name, or a mapping with a {key} and its settings")
    own = default.model_dump()
    name = values.get(key, own[key])
    base = own if name == own[key] else {}
    try:
        kind = kind_of(str(name))
    except SettingError as error:  # "its setting: found 'x', expected one of ...; remedy"
        found = str(error).split(": ", 1)[1]
        if isinstance(value, str):  # `one_line` puts the setting and what was found before it
            raise ValueError(found.split(", ", 1)[1]) from None
        raise ValueError(f".{key}: {found}") from None
    try:
        return kind.model_validate({**base, **values, key: name})
    except ValidationError as error:
        # with a dot, so that the name of the field is put before it, see `one_line`
        raise ValueError(f".{one_line(error, kind)}") from None
