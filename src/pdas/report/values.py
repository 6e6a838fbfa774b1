"""Values of JSON and YAML files as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from pdas.support.settings import flat


def value_text(value: object) -> str:
    """A value for people: grouped digits, four places, lists in a line."""
    if value is None or value == []:
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


def duration(seconds: float) -> str:
    """A time in one or two units, such as "20 min 44 s".

    Args:
        seconds: at least 0; of a broken file they may be anything.
    """
    if not 0 <= seconds <= 1e12:
        return f"{seconds:g} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def count_text(number: float) -> str:
    """A count as "3.20 M" or "96.4 k", or as it is below 1,000."""
    if number < 1000:
        return f"{number:.0f}"
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} k"
