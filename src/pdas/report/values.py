"""Values of JSON and YAML files, checked, and as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from pdas.support.settings import flat


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_text(value: object) -> str:
    """A value for people: grouped digits, four places, lists in a line."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    return str(value)


def flattened(settings: Mapping[str, object]) -> dict[str, str]:
    """Nested settings as text, by `search.epochs` and so on."""
    return {name: value_text(value) for name, value in flat(settings).items()}
