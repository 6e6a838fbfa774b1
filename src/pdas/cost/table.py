"""A table of costs as people write it, `{name: {label: cost}}`: its checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pdas.space import Categorical, Label, SearchSpace
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError, SpaceError, shortened
from pdas.support.refusals import is_finite, refuse

CostTable = Mapping[str, Mapping[Label, float]]


def table_rows(space: SearchSpace, table: CostTable) -> dict[int, FloatArray]:
    """The costs of the labels, in order, of each variable in the table.

    Args:
        space: the search space.
        table: `{name: {label: cost}}` of some of its variables.

    Returns:
        By the position of a variable: its costs, shape (K_i,).

    Raises:
        SpaceError: if a variable or a label is unknown, or a label is missing.
        SettingError: if a cost is negative or not finite.
    """
    unknown = [name for name in table if name not in space]
    if unknown:
        refuse(
            SpaceError,
            "cost table",
            found=f"unknown variables {shortened(unknown)}",
            expected=f"some of {shortened(space.names)}",
            remedy="rename or leave out those",
        )
    return {
        space.position(name): _row(space.variables[space.position(name)], costs)
        for name, costs in table.items()
    }


def checked_cost(name: str, cost: float) -> float:
    """A cost of the table as a float.

    Args:
        name: how the message names it.
        cost: the number in the table.

    Raises:
        SettingError: if it is negative or not finite.
    """
    if not is_finite(cost) or cost < 0:
        refuse(
            SettingError,
            f"cost table, {name}",
            found=repr(cost),
            expected="a finite number >= 0",
            remedy="measure it again or leave its variable out",
        )
    return float(cost)


def _row(variable: Categorical, costs: Mapping[Label, float]) -> FloatArray:
    """The costs of a variable's labels in order: shape (K_i,)."""
    setting = f"cost table, variable {variable.name!r}"
    if not isinstance(costs, Mapping):
        refuse(
            SpaceError,
            setting,
            found=repr(costs),
            expected="a mapping of its labels to numbers",
            remedy="give {label: number, ...}",
        )
    row = np.full(len(variable.categories), np.nan)
    for label, cost in costs.items():
        row[variable.index(label)] = checked_cost(f"{variable.name!r}, label {label!r}", cost)
    pairs = zip(variable.categories, row, strict=True)
    missing = [repr(label) for label, cost in pairs if np.isnan(cost)]
    if missing:
        refuse(
            SpaceError,
            setting,
            found=f"no costs of the labels {', '.join(missing)}",
            expected="a number for each",
            remedy="add those",
        )
    return row
