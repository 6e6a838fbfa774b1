"""Costs that add up over what is in use: a table of the user's, or latencies that are measured.

For any supernet. What it says of what an architecture uses decides the kind of cost:

- it has `use_conditions`: a `ProductCost`, exact and with an exact mean under theta;
- it has `active`: a function of the architecture;
- it has neither, so that every variable always counts: an additive `ProductCost`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pdas.cost import Cost, FunctionCost, ProductCost, Term
from pdas.cost.table import CostTable
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


def sum_in_use(net: SupernetProtocol, rows: FloatArray, constant: float = 0.0) -> Cost:
    """The sum of one number for each variable that an architecture uses.

    Args:
        net: the supernet.
        rows: the numbers, by variable and category, `(D, max K)`.
        constant: of what every architecture has.

    Returns:
        The cost of an architecture, in the unit of the numbers.
    """
    if isinstance(net, ConditionedSupernet):
        return _sum_of_products(net.space, net.use_conditions, rows, constant)
    if isinstance(net, ActiveSupernet):
        return _sum_of_active(net, rows, constant)
    always = [[Conditions()]] * len(net.space)
    return _sum_of_products(net.space, always, rows, constant)


def _sum_of_products(
    space: SearchSpace,
    use_conditions: Sequence[Sequence[Conditions]],
    rows: FloatArray,
    constant: float,
) -> ProductCost:
    """Each number times the indicator that its variable is in use."""
    terms = [Term(constant)]
    for position, size in enumerate(space.sizes):
        row = rows[position, :size]
        for sign, conditions in signed_cases(use_conditions[position]):
            factors = conditions.factors(space)
            # A choice inside of a candidate of its own name is a factor already.
            terms.append(Term(sign, factors | {position: row * factors.get(position, 1.0)}))
    return ProductCost(space, terms)


def _sum_of_active(net: ActiveSupernet, rows: FloatArray, constant: float) -> FunctionCost:
    """The numbers of the variables that `net.active` names."""

    def total(architecture: Architecture) -> float:
        numbers = rows[np.arange(len(rows)), architecture.indices]
        return constant + float(numbers[net.active(architecture)].sum())

    return FunctionCost(net.space, total)


def _rows(space: SearchSpace, table: CostTable) -> FloatArray:
    """The numbers of a table, `(D, max K)`, 0 for variables that are left out."""
    ProductCost.from_table(space, table)  # checks it
    rows = np.zeros((len(space), space.sizes.max()))
    for name, numbers in table.items():
        position = space.position(name)
        # A cost keeps equal numbers as its constant.
        cost = ProductCost.from_table(space, {name: numbers})
        rows[position, : space.sizes[position]] = cost.constant
        rows[position] += cost.table[position]
    return rows
