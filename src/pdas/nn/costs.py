"""Costs that add up over what is in use: a table of the user's, or latencies that are measured.

For any supernet. What it says of what an architecture uses decides the kind of cost:

- it has `use_conditions`: a `ProductCost`, exact and with an exact mean under theta;
- it has `active`: a function of the architecture;
- it has neither, so that every variable always counts: an additive `ProductCost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pdas.cost import Cost, FunctionCost, ProductCost, Term
from pdas.cost.table import CostTable, table_rows
from pdas.nn.conditions import Conditions, signed_cases
from pdas.nn.protocols import ActiveSupernet, ConditionedSupernet, SupernetProtocol
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray


def table_cost(net: SupernetProtocol, table: CostTable) -> Cost:
    """What was measured for each category, added up over the variables that are in use.

    Args:
        net: the supernet.
        table: numbers from 0, in any unit; variables that are left out cost nothing.

    Returns:
        the cost of an architecture, in the unit of the table.

    Raises:
        SpaceError: a variable or a label is unknown, or a label is missing.
        SettingError: a number is negative or not finite.
    """
    return sum_in_use(net, _rows(net.space, table))


def sum_in_use(
    net: SupernetProtocol,
    rows: Sequence[FloatArray],
    constant: float = 0.0,
    error: float | None = None,
) -> Cost:
    """The sum of one number for each variable that an architecture uses.

    Args:
        net: the supernet.
        rows: of each variable the numbers of its categories, `(K_i,)`.
        constant: of what every architecture has.
        error: of the cost, where it is known.

    Returns:
        The cost of an architecture, in the unit of the numbers.
    """
    if isinstance(net, ConditionedSupernet):
        terms = _products(net.space, net.use_conditions, rows, constant)
        return ProductCost(net.space, terms, error)
    if isinstance(net, ActiveSupernet):
        return FunctionCost(net.space, _sum_of_active(net, rows, constant), error)
    always = [[Conditions()]] * len(net.space)
    return ProductCost(net.space, _products(net.space, always, rows, constant), error)


def _products(
    space: SearchSpace,
    use_conditions: Sequence[Sequence[Conditions]],
    rows: Sequence[FloatArray],
    constant: float,
) -> Iterator[Term]:
    """Each number times the indicator that its variable is in use."""
    yield Term(constant)
    for position, row in enumerate(rows):
        for sign, conditions in signed_cases(use_conditions[position]):
            factors = conditions.factors(space)
            # A choice inside of a candidate of its own name is a factor already.
            yield Term(sign, factors | {position: row * factors.get(position, 1.0)})


def _sum_of_active(
    net: ActiveSupernet, rows: Sequence[FloatArray], constant: float
) -> Callable[[Architecture], float]:
    """The numbers of the variables that `net.active` names."""

    def total(architecture: Architecture) -> float:
        chosen = zip(rows, architecture.indices, net.active(architecture), strict=True)
        return constant + float(sum(row[i] for row, i, used in chosen if used))

    return total


def _rows(space: SearchSpace, table: CostTable) -> list[FloatArray]:
    """The numbers of a table by variable, 0 for variables that are left out."""
    rows = table_rows(space, table)
    return [rows.get(position, np.zeros(size)) for position, size in enumerate(space.sizes)]
