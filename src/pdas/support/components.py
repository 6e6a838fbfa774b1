"""Parts of a recipe that are chosen by name and own their settings.

`search.optimizer: adamw` is short for `search.optimizer: {name: adamw}`; further keys are settings
of that component. What is left out is as in the default of the field, if that has the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from pdas.support.registry import Registry
from pdas.support.settings import Settings, one_line


class Component(Settings):
    """Settings of something that is chosen by its name."""

    name: str


C = TypeVar("C", bound=Component)


def component(value: object, registry: Registry[type[C]], default: C) -> C:
    """The settings of a component from what a recipe or a user says of it.

    Args:
        value: a name, a mapping with the key `name`, or the settings themselves.
        registry: the settings classes by name.
        default: of the field.

    Raises:
        ValueError: for a validator of pydantic, which names the field: what does not fit.
    """
    if isinstance(value, Component):
        return value  # type: ignore[return-value]
    values = {"name": value} if isinstance(value, str) else value
    if not isinstance(values, Mapping):
        raise ValueError("expected a name, or a mapping with a name and its settings")
    name = values.get("name", default.name)
    base = default.model_dump() if name == default.name else {}
    kind = registry[str(name)]
    try:
        return kind.model_validate({**base, **values, "name": name})
    except ValidationError as error:
        # with a dot, so that the name of the field is put before it, see `one_line`
        raise ValueError(f".{one_line(error, kind)}") from None
