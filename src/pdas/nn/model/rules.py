"""Rules that say which parts of a model may vary."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

Numbers = Sequence[int | float]


@dataclass(frozen=True)
class Rule:
    """One rule, and the modules that it is about.

    Attributes:
        pattern: as it was given.
        what: "depth", "optional" or "width".
        numbers: of a width, fractions or channels.
        names: of the modules.

    Example:
        Rule("layer[1-4]", "depth", (), ["layer1", "layer2"])
    """

    pattern: str
    what: Literal["depth", "optional", "width"]
    numbers: Numbers
    names: Sequence[str]

    @property
    def setting(self) -> str:
        """It, for a message."""
        return f"searchable: {self.pattern!r}"

    def sizes(self, units: int, per_unit: int) -> list[int]:
        """The numbers of units that a width may have, ascending.

        Args:
            units: of the whole.
            per_unit: how much a number that is no fraction counts for each.

        Raises:
            NetworkError: they do not fit the layer.
        """
        found: set[int] = set()
        for number in self.numbers:
            if isinstance(number, float) and 0 < number <= 1:
                found.add(max(1, round(number * units)))
            elif type(number) is int and 0 < number <= units * per_unit and number % per_unit == 0:
                found.add(number // per_unit)
            else:
                refuse(
                    NetworkError,
                    self.setting,
                    found=repr(number),
                    expected=f"a fraction above 0 and at most 1.0, or a multiple of {per_unit} up "
                    f"to {units * per_unit}",
                )
        if max(found, default=0) != units:
            refuse(
                NetworkError,
                self.setting,
                found=f"{list(self.numbers)}",
                expected=f"the whole width among them, as 1.0 or {units * per_unit}",
            )
        return sorted(found)


def rules_of(rules: Mapping[str, Any], names: Iterable[str]) -> list[Rule]:
    """The rules with the modules that each is about.

    Args:
        rules: as of `searchable`.
        names: of all modules.

    Raises:
        NetworkError: a rule is none, or no module has such a name.
    """
    known = [name for name in names if name]
    found = []
    for pattern, value in rules.items():
        matched = [name for name in known if fnmatchcase(name, pattern)]
        if not matched:
            close = difflib.get_close_matches(pattern, known, 1, 0.0)
            refuse(
                NetworkError,
                f"searchable: {pattern!r}",
                found="no module of such a name",
                expected=f"a pattern of names of modules, the closest of which is {close[0]!r}",
                remedy="`for name, _ in model.named_modules(): print(name)` prints all",
            )
        found.append(_rule(pattern, value, matched))
    if not found:
        found_, expected = "no rules", "at least one, as {'layer*': 'depth'}"
        refuse(NetworkError, "searchable", found=found_, expected=expected)
    return found


def _rule(pattern: str, value: Any, names: list[str]) -> Rule:
    """A rule of what was given for a pattern."""
    if value == "depth" or value == "optional":
        return Rule(pattern, value, (), names)
    if isinstance(value, list | tuple) and value and all(type(n) in (int, float) for n in value):
        return Rule(pattern, "width", tuple(value), names)
    refuse(
        NetworkError,
        f"searchable: {pattern!r}",
        found=repr(value),
        expected="'depth', 'optional', or a list of widths as [0.5, 1.0] or [32, 64]",
    )
