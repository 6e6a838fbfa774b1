"""Parts of a recipe that are chosen by name and own their settings.

`search.optimizer: adamw` is short for `search.optimizer: {name: adamw}`. Further keys are settings
of that component. A missing setting has the value of the field's default, if that has the same
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import ValidationError

from pdas.support.errors import SettingError
from pdas.support.settings import Settings, one_line


class Component(Settings):
    """Settings of something that is chosen by its name.

    Example:
        class Blur(Component):
            name: Literal["blur"] = "blur"
            radius: float = 1.0
    """

    name: str


C = TypeVar("C", bound=Settings)


def component(
    value: object, kind_of: Callable[[str], type[C]], default: C | None, key: str = "name"
) -> C:
    """The settings of a component from its value in a recipe or in Python.

    Args:
        value: a name, a mapping with the key `key`, or the settings themselves.
        kind_of: from a name to its class of settings.
        default: of the field, if there is one. It has the values of missing settings, if the names
            are the same.
        key: of the name.

    Raises:
        ValueError: the value does not fit. This is for a validator of pydantic, which adds the
            name of the field.
    """
    if isinstance(value, Settings):
        return value  # type: ignore[return-value]
    values = {key: value} if isinstance(value, str) else value
    if not isinstance(values, Mapping):
        raise ValueError(f"expected a name, or a mapping with a {key} and its settings")
    own = default.model_dump() if isinstance(default, Settings) else {}
    name = values.get(key, own.get(key))
    base = own if name == own.get(key) else {}
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
        # The dot makes `one_line` put the name of the field before this.
        raise ValueError(f".{one_line(error, kind)}") from None
