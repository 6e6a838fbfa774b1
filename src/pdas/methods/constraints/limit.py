"""Limits on the costs of an architecture, and which architectures are within them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from pdas.cost import Cost, FunctionCost, ProductCost
from pdas.methods.constraints.knapsack import ceiling, most_probable
from pdas.methods.constraints.local_search import cheapest_found
from pdas.methods.constraints.wrapper import check_cost
from pdas.space import Architecture, SearchSpace, check_space
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError, short
from pdas.support.refusals import is_finite, refuse


@dataclass(frozen=True)
class Limit:
    """No architecture may cost more than `maximum`, in the unit of `cost`.

    Args:
        cost: of an architecture.
        maximum: the largest cost that is allowed.

    Raises:
        SettingError: if `cost` is none or `maximum` is not a finite number.

    Example:
        >>> from pdas.cost import ProductCost
        >>> space = SearchSpace({"width": [64, 128, 256]})
        >>> cost = ProductCost.from_table(space, {"width": {64: 1.0, 128: 2.0, 256: 4.0}})
        >>> Limit(cost, 2.5).holds(space.architecture({"width": 256}))
        False
    """

    cost: Cost
    maximum: float

    def __post_init__(self) -> None:
        check_cost("limit.cost", self.cost)
        if not is_finite(self.maximum):
            refuse(
                SettingError,
                "limit.maximum",
                found=repr(self.maximum),
                expected="a finite number",
                remedy="give one in the unit of the cost",
            )

    def holds(self, architecture: Architecture) -> bool:
        """Whether an architecture is within the limit, or over it by at most a 1e-12th of it.

        Args:
            architecture: of the space of the cost.
        """
        return self.cost(architecture) <= ceiling(self.maximum)

    @property
    def table(self) -> ProductCost | None:
        """The cost if it is additive, so that the best within the limit can be computed."""
        cost = self.cost
        return cost if isinstance(cost, ProductCost) and cost.additive else None

    def most_probable(self, theta: FloatArray) -> Architecture | None:
        """The most probable architecture within the limit of an additive cost, if there is one.

        Args:
            theta: probabilities, shape (sum K_i,), variable after variable.
        """
        cost = self.table
        assert cost is not None
        indices = most_probable(theta, cost.table, cost.space.sizes, cost.constant, self.maximum)
        if indices is not None:
            return cost.space.architecture(indices)
        cheapest = cost.cheapest()  # all that are within have probability 0
        return cheapest if self.holds(cheapest) else None

    def architecture_within(
        self, first: Architecture, theta: FloatArray | None, name: str
    ) -> Architecture:
        """An architecture within the limit.

        Args:
            first: where to look first.
            theta: shape (sum K_i,), to take the most probable one where it can be computed.
            name: of the limit in messages.

        Raises:
            SettingError: if there is none or none is found.
        """
        if (cost := self.table) is None:
            architecture, least = cheapest_found(self.cost, first, ceiling(self.maximum))
            known = "the smallest cost found"
        else:
            found = None if theta is None else self.most_probable(theta)
            if found is not None:
                return found
            architecture = cost.cheapest()
            least, known = cost(architecture), "the smallest cost there is"
        if self.holds(architecture):
            return architecture
        refuse(
            SettingError,
            f"{name}.maximum",
            found=repr(self.maximum),
            expected=f"at least {least!r}, {known} of an architecture of this space",
            remedy="raise it, or give the network cheaper candidates",
        )


class Limits:
    """All limits of a search; an architecture must be within each.

    Args:
        limits: one or more.
        space: the space that is searched.

    Attributes:
        all: the limits.

    Raises:
        SpaceError: if a cost is of another space.
        SettingError: if there is no limit.

    Example:
        limits = Limits([Limit(parameters, 3e6), Limit(multiply_adds, 1e8)], space)
        limits.hold(architecture)
    """

    def __init__(self, limits: Limit | Sequence[Limit], space: SearchSpace) -> None:
        several = isinstance(limits, Sequence) and len(limits) > 0
        self.all: tuple[Limit, ...] = tuple(limits) if several else (limits,)  # type: ignore
        if not all(isinstance(limit, Limit) for limit in self.all):
            expected = "a Limit, or a list of at least one"
            refuse(SettingError, "limit", found=short(limits), expected=expected)
        for name, limit in self.named():
            check_space(f"{name}.cost", limit.cost, space)

    def named(self) -> Iterator[tuple[str, Limit]]:
        """The limits with their names in messages: "limit", or "limit[0]", "limit[1]" of two."""
        for i, limit in enumerate(self.all):
            yield ("limit" if len(self.all) == 1 else f"limit[{i}]"), limit

    def hold(self, architecture: Architecture) -> bool:
        """Whether the architecture is within every limit."""
        return all(limit.holds(architecture) for limit in self.all)

    @property
    def exact(self) -> Limit | None:
        """The one limit, if the best architecture within it can be computed."""
        (only, *others) = self.all
        return only if not others and only.table is not None else None

    def architecture_within(self, first: Architecture, theta: FloatArray | None) -> Architecture:
        """An architecture within all limits.

        Args:
            first: where to look first.
            theta: shape (sum K_i,), to take the most probable one where it can be computed.

        Raises:
            SettingError: if there is none or none is found.
        """
        # First each by itself: if one alone cannot be met, the message names that one.
        alone = [limit.architecture_within(first, theta, name) for name, limit in self.named()]
        if len(alone) == 1:
            return alone[0]
        for architecture in alone:
            if self.hold(architecture):
                return architecture
        architecture, _ = cheapest_found(FunctionCost(first.space, self._excess), first, 0.0)
        if self.hold(architecture):
            return architecture
        self._refuse(architecture)

    def _excess(self, architecture: Architecture) -> float:
        """The shares by which the costs exceed their limits, added up; 0 within all limits."""
        shares = (
            (limit.cost(architecture) - ceiling(limit.maximum)) / (abs(limit.maximum) or 1.0)
            for limit in self.all
        )
        return sum(max(share, 0.0) for share in shares)

    def _refuse(self, nearest: Architecture) -> NoReturn:
        limits = " and ".join(
            f"{name} of {limit.maximum:g} (its cost: {limit.cost(nearest):g})"
            for name, limit in self.named()
        )
        refuse(
            SettingError,
            "limit",
            found=f"no architecture within all limits; the nearest found has {limits}",
            expected="limits that some architecture of this space is within",
            remedy="raise one of them, or give the network cheaper candidates",
        )
