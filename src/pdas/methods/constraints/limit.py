"""A limit on the cost of an architecture: one that is above it is drawn again.

Limited(PDAS(space), Limit(cost, 3e6))
Penalised(Limited(PDAS(space), limit), penalty)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdas.cost import Cost, ProductCost
from pdas.methods.constraints.knapsack import ceiling, most_probable
from pdas.methods.constraints.local_search import cheapest_found
from pdas.methods.constraints.wrapper import Wrapper, check_cost, is_finite
from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import Architecture, check_space
from pdas.support.errors import OptimizerError, SettingError, reason

DRAWS = 10_000  # for one architecture of an `ask`, and of one `best`
BATCH = 256  # architectures drawn again at a time, at most


@dataclass(frozen=True)
class Limit:
    """No architecture may cost more than `maximum`, in the unit of `cost`.

    Raises SettingError if `cost` is none or `maximum` is not a finite number.
    """

    cost: Cost
    maximum: float

    def __post_init__(self) -> None:
        check_cost("limit", self.cost)
        if not is_finite(self.maximum):
            raise SettingError(
                f"limit.maximum: found {self.maximum!r}, expected a finite number; give one in "
                "the unit of the cost"
            )

    def holds(self, architecture: Architecture) -> bool:
        """Whether the cost is within the limit, or over it by a 1e-12th of it at most."""
        return self.cost(architecture) <= ceiling(self.maximum)


class Limited(Wrapper[PDAS]):
    """PDAS among the architectures within a limit.

    An architecture over the limit is drawn again, so what is asked for is a sample of p_theta
    given the limit, while (3) is the natural gradient of samples of p_theta itself: the update is
    biased, the more the larger the share that is drawn again, `rejection_rate`. Where that is
    large, a `Penalty` may be the better choice.

    Attributes: `optimizer`, the wrapped one; `limit`; `drawn` and `rejected`, how many
    architectures were drawn since the start and how many of those were over the limit.

    Raises SpaceError if the cost is of another space, SettingError if no architecture, of a cost
    that is not additive none that was looked at, is within the limit.
    """

    def __init__(self, optimizer: PDAS, limit: Limit) -> None:
        super().__init__(optimizer)
        check_space("limit.cost", limit.cost, optimizer.space)
        self.limit = limit
        self.drawn = 0
        self.rejected = 0
        self._some = _some_within(optimizer, limit)

    @property
    def rejection_rate(self) -> float:
        """The share of the architectures drawn that were over the limit; 0 before the first."""
        return self.rejected / self.drawn if self.drawn else 0.0

    def ask(self, n: int | None = None) -> list[Architecture]:
        """n architectures within the limit; the wrapped optimizer's number by default.

        Raises OptimizerError if 10,000 draws for each do not give them.
        """
        batch = self.optimizer.ask(n)
        wanted, drawn = len(batch), 0
        within: list[Architecture] = []
        while True:
            kept = [architecture for architecture in batch if self.limit.holds(architecture)]
            drawn += len(batch)
            self.drawn += len(batch)
            self.rejected += len(batch) - len(kept)
            within += kept
            if len(within) >= wanted:
                return within[:wanted]
            if drawn >= DRAWS * wanted:
                raise OptimizerError(
                    f"ask: found {len(within)} of {drawn} architectures drawn to be within the "
                    f"limit of {self.limit.maximum:g}, expected {wanted}; raise the limit, use a "
                    "penalty, or start the optimizer at an architecture within it (initial=)"
                )
            batch = self.optimizer.ask(min(max(drawn, wanted), BATCH))

    def best(self) -> Architecture:
        """The most probable architecture within the limit.

        Exact for an additive `ProductCost`. For other costs it is the mode of p_theta, or else the
        most probable of 10,000 samples of p_theta, the same ones for the same theta.
        """
        mode = self.optimizer.best()
        if self.limit.holds(mode):
            return mode
        cost = self.limit.cost
        if isinstance(cost, ProductCost) and cost.additive:
            found = _exactly(self.optimizer, cost, self.limit)
            return self._some if found is None else found
        return next(filter(self.limit.holds, self._by_probability()), self._some)

    def _by_probability(self) -> Iterator[Architecture]:
        """Samples of p_theta, the most probable first; no state is changed."""
        p = CategoricalProduct(self.space.sizes)
        p.theta = self.optimizer.theta_array
        indices = np.unique(p.sample(np.random.default_rng(0), DRAWS), axis=0)
        order = np.argsort(-p.log_probability(indices), kind="stable")
        return (self.space.architecture(row) for row in indices[order])

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer, with the counts of draws."""
        return {**self.optimizer.state_dict(), "drawn": self.drawn, "rejected": self.rejected}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, of a search within a limit too.

        Raises OptimizerError as the wrapped optimizer does, or without the counts of draws.
        """
        try:
            wrapped = dict(state)
            drawn, rejected = int(wrapped.pop("drawn")), int(wrapped.pop("rejected"))
        except (KeyError, TypeError, ValueError) as error:
            raise OptimizerError(
                f"load_state_dict: found no numbers drawn and rejected ({reason(error)}), expected "
                "a state of a search within a limit; load this one into the wrapped optimizer"
            ) from error
        self.optimizer.load_state_dict(wrapped)
        self.drawn, self.rejected = drawn, rejected


def _some_within(optimizer: PDAS, limit: Limit) -> Architecture:
    """An architecture within the limit. Raises SettingError if there is none, or none is found."""
    cost = limit.cost
    if isinstance(cost, ProductCost) and cost.additive:
        found = _exactly(optimizer, cost, limit)
        if found is not None:
            return found
        least = cost(cost.cheapest())
        known = "the smallest cost there is"
    else:
        architecture, least = cheapest_found(cost, optimizer.best(), ceiling(limit.maximum))
        if limit.holds(architecture):
            return architecture
        known = "the smallest cost found"
    raise SettingError(
        f"limit.maximum: found {limit.maximum!r}, expected at least {least!r}, {known} of an "
        "architecture of this space; raise it, or give the network cheaper candidates"
    )


def _exactly(optimizer: PDAS, cost: ProductCost, limit: Limit) -> Architecture | None:
    """The most probable architecture within the limit of an additive cost, if there is one."""
    theta = optimizer.theta_array
    indices = most_probable(theta, cost.table, cost.constant, limit.maximum)
    if indices is not None:
        return optimizer.space.architecture(indices)
    cheapest = cost.cheapest()  # all that are within have probability 0
    return cheapest if limit.holds(cheapest) else None
