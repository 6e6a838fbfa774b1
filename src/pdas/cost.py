"""What an architecture costs: parameters, multiply-adds, a measured latency.

A cost is a function of the architecture. `ProductCost` is one that can be looked into: a sum of
products of one number for every variable. Where each product has one variable at most the cost is
additive: a constant and a table of numbers for the categories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pdas.space import Architecture, Categorical, Label, SearchSpace, check_architecture
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import SettingError, SpaceError, shortened


class Cost(Protocol):
    """A number for every architecture of a space; smaller is cheaper."""

    @property
    def space(self) -> SearchSpace:
        """The space whose architectures have this cost."""
        ...

    def __call__(self, architecture: Architecture) -> float:
        """The cost of an architecture. Raises SpaceError if it is of another space."""
        ...


@dataclass(frozen=True)
class FunctionCost:
    """Any function of an architecture as a cost: `FunctionCost(space, function)`."""

    space: SearchSpace
    function: Callable[[Architecture], float] = field(repr=False)

    def __call__(self, architecture: Architecture) -> float:
        """`function(architecture)`. Raises SpaceError if it is of another space."""
        check_architecture("cost", architecture, self.space)
        return float(self.function(architecture))


@dataclass(frozen=True, eq=False)
class Term:
    """`value` times one factor for each of some variables.

    factors: by the position of the variable in the space, one number for each category, shape
        (K_i,): 0 and 1 where something is there only with some of them, or a width.
    """

    value: float
    factors: Mapping[int, npt.ArrayLike] = field(default_factory=dict)


class ProductCost:
    """A sum of terms, each a product of numbers that the categories of some variables have.

    Integers are exact below 2**53. Attributes: `space`; `constant`; `table`, shape (D, max K),
    read-only, what each category adds, 0 beyond K_i; `additive`, whether these two are all of it.

    Raises SpaceError for a term with an unknown position, or with factors that are not K_i finite
    numbers; SettingError for a value that is not finite.
    """

    def __init__(self, space: SearchSpace, terms: Iterable[Term]) -> None:
        self._space = space
        table = np.zeros((len(space), space.sizes.max()))
        distinct = _DistinctFactors(space)
        products: dict[tuple[int, ...], float] = {}
        self.constant = 0.0
        for term in terms:
            value, varying = _varying(space, term)
            if not varying:
                self.constant += value
            elif len(varying) == 1:
                ((i, factor),) = varying.items()
                table[i, : len(factor)] += value * factor
            elif value:
                numbers = tuple(sorted(distinct.number(i, factor) for i, factor in varying.items()))
                products[numbers] = products.get(numbers, 0.0) + value
        table.flags.writeable = False
        self.table: FloatArray = table
        # T products of at most F factors, of which N are distinct; that of number 0 is 1.
        # _values (T,): what each product is multiplied by.
        # _numbers (F, T): which factors each product has, filled up with number 0.
        # _factors (N, max K): the numbers that each factor has for the categories.
        # _variables (N,): the position of each factor's variable.
        self._values = np.array(list(products.values()))
        self._numbers = _padded(products)
        self._factors, self._variables = distinct.arrays()

    @classmethod
    def from_table(
        cls,
        space: SearchSpace,
        table: Mapping[str, Mapping[Label, float]],
        constant: float = 0.0,
    ) -> ProductCost:
        """An additive cost, such as latencies that were measured for every candidate.

        table: `{"op": {"conv3": 1.2, "conv5": 2.1}, ...}`, a number >= 0 for every label of a
            variable; variables that are left out cost nothing.
        constant: >= 0, of what every architecture has.

        Raises SpaceError for an unknown variable or label or a missing label, SettingError for a
        number that is negative or not finite.
        """
        terms = [Term(_checked("constant", constant))]
        unknown = [name for name in table if name not in space]
        if unknown:
            raise SpaceError(
                f"cost table: unknown variables {shortened(unknown)}, expected some of "
                f"{shortened(space.names)}; rename or leave out those"
            )
        for name, costs in table.items():
            position = space.position(name)
            terms.append(Term(1.0, {position: _row(space.variables[position], costs)}))
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
        """The cost of an architecture. Raises SpaceError if it is of another space."""
        check_architecture("cost", architecture, self._space)
        indices = architecture.indices
        additive = self.table[np.arange(len(indices)), indices].sum()
        chosen = indices[self._variables]
        return self._total(additive, self._factors[np.arange(len(chosen)), chosen])

    def cheapest(self) -> Architecture:
        """The architecture of the least cost, the first if several are.

        Raises SettingError if the cost is not additive.
        """
        if not self.additive:
            raise SettingError(
                "cheapest: found a cost with products of several variables, expected an additive "
                "one; compare the costs of architectures that you draw"
            )
        padding = np.arange(self.table.shape[1]) >= self._space.sizes[:, np.newaxis]
        return self._space.architecture(np.where(padding, np.inf, self.table).argmin(axis=1))

    def expected(self, theta: Mapping[str, npt.ArrayLike]) -> float:
        """The mean cost of architectures drawn by theta, exactly.

        theta: `{name: probabilities}` of every variable, as `PDAS.theta`. Variables are drawn
        independently, so the mean of a product is the product of the means. Raises SpaceError if
        theta does not fit the space.
        """
        p = _theta_array(self._space, theta)
        means = (self._factors * p[self._variables]).sum(axis=1)
        return self._total((self.table * p).sum(), means)

    def _total(self, additive: float, factors: FloatArray) -> float:
        """The cost where the table adds up to `additive` and each factor, (N,), is this number."""
        products = self._values.copy()
        for numbers in self._numbers:
            products *= factors[numbers]
        return float(self.constant + additive + products.sum())


class _DistinctFactors:
    """The factors of all products, each once, by numbers; number 0 is 1 whatever is chosen."""

    def __init__(self, space: SearchSpace) -> None:
        self._width = int(space.sizes.max())
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._rows: list[FloatArray] = [np.ones(self._width)]
        self._variables = [0]

    def number(self, variable: int, factor: FloatArray) -> int:
        """The number of this factor of this variable, from 1."""
        key = variable, factor.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._rows)
            self._rows.append(np.pad(factor, (0, self._width - len(factor))))
            self._variables.append(variable)
        return self._numbers[key]

    def arrays(self) -> tuple[FloatArray, IntArray]:
        """All factors, shape (N, max K), and the position of each one's variable, shape (N,)."""
        return np.array(self._rows), np.array(self._variables)


def _padded(products: Iterable[tuple[int, ...]]) -> IntArray:
    """The numbers of the factors of all products, shape (F, T), filled up with 0."""
    columns = list(products)
    padded = np.zeros((max(map(len, columns), default=0), len(columns)), dtype=np.int64)
    for t, numbers in enumerate(columns):
        padded[: len(numbers), t] = numbers
    return padded


def _varying(space: SearchSpace, term: Term) -> tuple[float, dict[int, FloatArray]]:
    """A term as its value, constant factors included, and the factors that vary."""
    value = float(term.value)
    if not math.isfinite(value):
        raise SettingError(
            f"cost: found a term of value {value}, expected a finite number; mend its value"
        )
    varying: dict[int, FloatArray] = {}
    for i, given in term.factors.items():
        if not 0 <= i < len(space):
            raise SpaceError(
                f"cost: found a factor of variable {i}, expected positions from 0 to "
                f"{len(space) - 1}; take space.position(name)"
            )
        factor = np.array(given, dtype=np.float64)
        if factor.shape != (space.sizes[i],) or not np.isfinite(factor).all():
            raise SpaceError(
                f"cost: found the factor {given!r} of variable {space.names[i]!r}, expected "
                f"{space.sizes[i]} finite numbers; give one for each of its categories"
            )
        if (factor == factor[0]).all():
            value *= float(factor[0])
        else:
            varying[i] = factor
    return value, varying


def _row(variable: Categorical, costs: Mapping[Label, float]) -> FloatArray:
    """The numbers of a variable's labels in order."""
    if not isinstance(costs, Mapping):
        raise SpaceError(
            f"cost table: variable {variable.name!r}: found {costs!r}, expected a mapping of its "
            "labels to numbers; give {label: number, ...}"
        )
    row = np.full(len(variable.categories), np.nan)
    for label, cost in costs.items():
        row[variable.index(label)] = _checked(f"{variable.name!r}, label {label!r}", cost)
    missing = [label for label, cost in zip(variable.categories, row, strict=True) if cost != cost]
    if missing:
        raise SpaceError(
            f"cost table: variable {variable.name!r} lacks the labels "
            f"{', '.join(map(repr, missing))}, expected a number for each; add those"
        )
    return row


def _checked(name: str, cost: float) -> float:
    number = isinstance(cost, int | float | np.number) and not isinstance(cost, bool)
    if not number or not 0 <= cost < math.inf:
        raise SettingError(
            f"cost table, {name}: found {cost!r}, expected a finite number >= 0; measure it again "
            "or leave its variable out"
        )
    return float(cost)


def _theta_array(space: SearchSpace, theta: Mapping[str, npt.ArrayLike]) -> FloatArray:
    """theta as shape (D, max K), 0 beyond K_i."""
    if set(theta) != set(space):
        raise SpaceError(
            f"theta: found variables {shortened(list(theta))}, expected exactly "
            f"{shortened(space.names)}; give optimizer.theta"
        )
    array = np.zeros((len(space), space.sizes.max()))
    for row, (name, labels) in zip(array, space.items(), strict=True):
        p = np.asarray(theta[name], dtype=np.float64)
        if p.shape != (len(labels),) or not (p >= 0).all() or not abs(p.sum() - 1) < 1e-6:
            raise SpaceError(
                f"theta of variable {name!r}: found {p.tolist()}, expected {len(labels)} "
                "probabilities that sum to one; divide them by their sum"
            )
        row[: len(p)] = p
    return array
