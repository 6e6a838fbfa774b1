"""A cost that can be looked into: a sum of products of one number for every variable.

Where each product has one variable at most the cost is additive: a constant and a table of numbers
for the categories.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pdas.cost.factors import DistinctFactors, Term, padded, varying
from pdas.cost.table import CostTable, checked_cost, table_rows
from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.space.categories import first_least, starts
from pdas.space.probabilities import Probabilities, probability_array
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


class ProductCost:
    """A sum of terms, each a product of numbers that the categories of some variables have.

    Integers are exact below 2**53.

    Args:
        space: whose architectures have this cost.
        terms: the products.
        error: how far it is off on average, as a share, where that was measured.

    Attributes:
        constant: what every architecture costs.
        table: what each category adds: shape (sum K_i,), variable after variable, read-only.
        error: the same.

    Raises:
        SpaceError: for a term with an unknown position, or with factors that are not K_i finite
            numbers.
        SettingError: for a value that is not finite.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> cost = ProductCost(space, [Term(64.0, {0: [9, 25], 1: [64, 128]})])
        >>> cost(space.architecture({"op": "conv3", "width": 128}))
        73728.0
    """

    def __init__(
        self, space: SearchSpace, terms: Iterable[Term], error: float | None = None
    ) -> None:
        self._space = space
        self.error = error
        table = np.zeros(space.sizes.sum())
        self._starts = starts(space.sizes)
        distinct = DistinctFactors(space)
        products: dict[tuple[int, ...], float] = {}
        self.constant = 0.0
        for term in terms:
            value, factors = varying(space, term)
            if not factors:
                self.constant += value
            elif len(factors) == 1:
                ((i, factor),) = factors.items()
                begin = self._starts[i]
                table[begin : begin + len(factor)] += value * factor
            elif value:  # products of the same factors are one
                numbers = tuple(sorted(distinct.number(i, factor) for i, factor in factors.items()))
                products[numbers] = products.get(numbers, 0.0) + value
        table.flags.writeable = False
        self.table: FloatArray = table
        # T products of at most F factors, of which N are distinct; that of number 0 is 1.
        # _values (T,): what each product is multiplied by.
        # _numbers (F, T): which factors each product has, filled up with number 0.
        # _factors: the numbers that each factor has for the categories, one factor after the other.
        # _variables (N,): the position of each factor's variable.
        self._values = np.array(list(products.values()))
        self._numbers = padded(products)
        self._factors, self._variables = distinct.arrays()
        self._factor_starts = starts(space.sizes[self._variables])

    @classmethod
    def from_table(cls, space: SearchSpace, table: CostTable, constant: float = 0.0) -> ProductCost:
        """An additive cost, such as latencies that were measured for every candidate.

        Args:
            space: whose architectures have this cost.
            table: `{"op": {"conv3": 1.2, "conv5": 2.1}, ...}`, a number >= 0 for every label of a
                variable; variables that are left out cost nothing.
            constant: >= 0, of what every architecture has.

        Raises:
            SpaceError: for an unknown variable or label, or a missing label.
            SettingError: for a number that is negative or not finite.
        """
        terms = [Term(checked_cost("constant", constant))]
        terms += [Term(1.0, {i: row}) for i, row in table_rows(space, table).items()]
        return cls(space, terms)

    @property
    def space(self) -> SearchSpace:
        """The space whose architectures have this cost."""
        return self._space

    @property
    def additive(self) -> bool:
        """Whether the cost is `constant` plus the entries of `table`."""
        return not len(self._values)

    def __call__(self, architecture: Architecture) -> float:
        """The cost of an architecture.

        Args:
            architecture: of `space`.

        Raises:
            SpaceError: if the architecture is of another space.
        """
        check_architecture("cost", architecture, self._space)
        indices = architecture.indices
        additive = self.table[self._starts + indices].sum()
        return self._total(additive, self._factors[self._factor_starts + indices[self._variables]])

    def __repr__(self) -> str:
        kind = "additive" if self.additive else f"{len(self._values)} products"
        error = "" if self.error is None else f", off by {self.error:.1%} on average"
        return f"ProductCost({len(self._space)} variables, {kind}{error})"

    def cheapest(self) -> Architecture:
        """The architecture of the least cost, the first if several are.

        Raises:
            SettingError: if the cost is not additive.
        """
        if not self.additive:
            refuse(
                SettingError,
                "cheapest",
                found="a cost with products of several variables",
                expected="an additive one",
                remedy="compare the costs of architectures that you draw",
            )
        return self._space.architecture(first_least(self.table, self._space.sizes))

    def expected(self, theta: Probabilities) -> float:
        """The mean cost of architectures drawn by theta, exactly.

        Args:
            theta: `{name: probabilities}` of every variable, as `PDAS.theta`.

        Raises:
            SpaceError: if theta does not fit the space.
        """
        # Variables are drawn independently, so the mean of a product is the product of the means.
        p = probability_array(self._space, theta)
        begins = self._starts[self._variables] - self._factor_starts
        of_categories = np.repeat(begins, self._space.sizes[self._variables])
        weighted = self._factors * p[of_categories + np.arange(len(self._factors))]
        means = np.add.reduceat(weighted, self._factor_starts)
        return self._total((self.table * p).sum(), means)

    def _total(self, additive: float, factors: FloatArray) -> float:
        """The cost where the table adds up to `additive` and each factor, (N,), is this number."""
        products = self._values.copy()
        for numbers in self._numbers:  # row by row: F factors of all T products at a time
            products *= factors[numbers]
        return float(self.constant + additive + products.sum())
