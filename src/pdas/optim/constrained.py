"""Cost in the search, by wrapping an optimizer: a hard limit, or a penalty on the losses.

Limited(PDAS(space), Limit(cost, 3e6))
Penalised(PDAS(space), Penalty(cost, target=2e6, weight=0.1))
Penalised(Limited(PDAS(space), limit), penalty)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.cost import Cost, ProductCost
from pdas.errors import OptimizerError, SettingError, SpaceError
from pdas.optim.base import Optimizer, told
from pdas.optim.cheapest import cheapest_found
from pdas.optim.distribution import CategoricalProduct
from pdas.optim.pdas import PDAS
from pdas.optim.within import ceiling, most_probable
from pdas.space import Architecture, SearchSpace

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
        _check_cost("limit", self.cost)
        if not _is_finite(self.maximum):
            raise SettingError(
                f"limit.maximum: found {self.maximum!r}, expected a finite number in the unit of "
                "the cost"
            )

    def holds(self, architecture: Architecture) -> bool:
        """Whether the cost is within the limit, or over it by a 1e-12th of it at most."""
        return self.cost(architecture) <= ceiling(self.maximum)


@dataclass(frozen=True)
class Penalty:
    """Adds `weight` times the share by which the cost exceeds `target` to the loss.

    cost, target: of one unit; an architecture of at most `target` > 0 has no penalty.
    weight: > 0, in the unit of the loss: the penalty of a cost of twice the target.

    Raises SettingError if that is not so.
    """

    cost: Cost
    target: float
    weight: float

    def __post_init__(self) -> None:
        _check_cost("penalty", self.cost)
        for name, value in (("target", self.target), ("weight", self.weight)):
            if not _is_finite(value) or not value > 0:
                raise SettingError(
                    f"penalty.{name}: found {value!r}, expected a finite number above 0"
                )

    def __call__(self, architecture: Architecture) -> float:
        """weight * max(cost / target - 1, 0)."""
        return self.weight * max(self.cost(architecture) / self.target - 1, 0.0)


class Limited:
    """PDAS among the architectures within a limit.

    An architecture over the limit is drawn again, so what is asked for is a sample of p_theta
    given the limit, while (3) is the natural gradient of samples of p_theta itself: the update is
    biased, the more the larger the share that is drawn again, `rejected / drawn`. Where that is
    large, a `Penalty` may be the better choice.

    Attributes: `optimizer`, the wrapped one; `limit`; `drawn` and `rejected`, how many
    architectures were drawn since the start and how many of those were over the limit.

    Raises SpaceError if the cost is of another space, SettingError if no architecture, of a cost
    that is not additive none that was looked at, is within the limit.
    """

    def __init__(self, optimizer: PDAS, limit: Limit) -> None:
        _check_space("limit", limit.cost, optimizer.space)
        self.optimizer = optimizer
        self.limit = limit
        self.drawn = 0
        self.rejected = 0
        self._some = _some_within(optimizer, limit)

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self.optimizer.space

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

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """As the wrapped optimizer; the architectures may be over the limit."""
        self.optimizer.tell(architectures, losses, active)

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
            found = _exactly(self.optimizer, cost, self.limit.maximum)
            assert found is not None  # as the constructor checked
            return found
        return next(filter(self.limit.holds, self._by_probability()), self._some)

    def _by_probability(self) -> Iterator[Architecture]:
        """Samples of p_theta, the most probable first; no state is changed."""
        p = CategoricalProduct(self.space.sizes)
        p.theta = self.optimizer.theta_array
        indices = np.unique(p.sample(np.random.default_rng(0), DRAWS), axis=0)
        log_p = np.log(p.theta[np.arange(len(self.space)), indices]).sum(axis=1)
        return (self.space.architecture(row) for row in indices[np.argsort(-log_p, kind="stable")])

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer, and the counts of draws."""
        counts = {"drawn": self.drawn, "rejected": self.rejected}
        return self.optimizer.state_dict() | counts

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`; raises OptimizerError for anything else."""
        try:
            counts = int(state["drawn"]), int(state["rejected"])
        except (LookupError, TypeError, ValueError) as error:
            raise OptimizerError(
                f"state: found no counts of draws ({error!r}), expected what state_dict() of an "
                "optimizer with a limit gave; load that"
            ) from None
        self.optimizer.load_state_dict(state)
        self.drawn, self.rejected = counts


class Penalised:
    """An optimizer that is told losses with a penalty on the cost; all else is as it was.

    Attributes: `optimizer`, the wrapped one; `penalty`. Raises SpaceError if the cost is of another
    space.
    """

    def __init__(self, optimizer: Optimizer, penalty: Penalty) -> None:
        _check_space("penalty", penalty.cost, optimizer.space)
        self.optimizer = optimizer
        self.penalty = penalty

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self.optimizer.space

    def ask(self, n: int | None = None) -> list[Architecture]:
        """As the wrapped optimizer."""
        return self.optimizer.ask(n)

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Tell the wrapped optimizer the losses with the penalty of each architecture added."""
        _, values = told(self.space, architectures, losses)
        penalties = [self.penalty(architecture) for architecture in architectures]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is passed over
            penalised = values + np.array(penalties)
        self.optimizer.tell(architectures, penalised, active)

    def best(self) -> Architecture:
        """As the wrapped optimizer."""
        return self.optimizer.best()

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the wrapped optimizer."""
        self.optimizer.load_state_dict(state)


def _some_within(optimizer: PDAS, limit: Limit) -> Architecture:
    """An architecture within the limit. Raises SettingError if there is none, or none is found."""
    cost = limit.cost
    if isinstance(cost, ProductCost) and cost.additive:
        found = _exactly(optimizer, cost, limit.maximum)
        if found is not None:
            return found
        real = np.arange(cost.table.shape[1]) < cost.space.sizes[:, np.newaxis]
        least = cost.constant + float(np.where(real, cost.table, np.inf).min(axis=1).sum())
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


def _exactly(optimizer: PDAS, cost: ProductCost, maximum: float) -> Architecture | None:
    space, theta = optimizer.space, optimizer.theta_array
    indices = most_probable(theta, space.sizes, cost.table, cost.constant, maximum)
    return None if indices is None else space.architecture(indices)


def _check_cost(name: str, cost: object) -> None:
    if not callable(cost) or not isinstance(getattr(cost, "space", None), SearchSpace):
        raise SettingError(
            f"{name}.cost: found {type(cost).__name__}, expected a cost of architectures, with a "
            "search space; take net.cost('parameters') or a pdas.cost.ProductCost"
        )


def _check_space(name: str, cost: Cost, space: SearchSpace) -> None:
    if cost.space != space:
        raise SpaceError(
            f"{name}.cost: found a cost of another search space than the optimizer's; make both "
            "from the same network or space"
        )


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)
