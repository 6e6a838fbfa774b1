"""An optimizer within limits: an architecture that is above one is drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pdas.cost.base import fingerprint
from pdas.methods.constraints.limit import Limit, Limits
from pdas.methods.constraints.wrapper import Wrapper
from pdas.methods.optimizer import Optimizer, checked_losses, count_in, number_in
from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.space import Architecture
from pdas.space.categories import theta_of
from pdas.support.arrays import FloatArray
from pdas.support.errors import OptimizerError, reason
from pdas.support.refusals import refusal, refuse

DRAWS = 10_000  # for one architecture of an `ask`, and of one `best`
BATCH = 256  # architectures drawn again at a time, at most


class Limited(Wrapper):
    """An optimizer among the architectures within one or more limits.

    An architecture over a limit is drawn again. So PDAS asks for a sample of p_theta given the
    limit, while (3) is the natural gradient of samples of p_theta itself: the update is biased, the
    more the larger the share that is drawn again, `rejection_rate`. Where that is large, a
    `Penalty` may be the better choice.

    An optimizer has a distribution if it has `theta_array`, the probabilities of all categories.
    For one without, `best()` is the best architecture that was told.

    Args:
        optimizer: any optimizer.
        limit: one limit or several.

    Attributes:
        optimizer: the wrapped one.
        limits: the limits.
        drawn: how many architectures were drawn since the start.
        rejected: how many of those were over a limit.

    Raises:
        SpaceError: if a cost is of another space.
        SettingError: if no architecture is within the limits. If a cost is not additive, or there
            are several limits: if none that was looked at is.

    Example:
        Limited(PDAS(space), Limit(cost, 3e6))
        Limited(PDAS(space), [Limit(parameters, 3e6), Limit(multiply_adds, 1e8)])
        Penalised(Limited(PDAS(space), limit), penalty)
    """

    def __init__(self, optimizer: Optimizer, limit: Limit | Sequence[Limit]) -> None:
        super().__init__(optimizer)
        self._limits = Limits(limit, optimizer.space)
        self.drawn = 0
        self.rejected = 0
        theta = self._theta()
        self._has_distribution = theta is not None
        self._some = self._limits.architecture_within(optimizer.best(), theta)
        # The best that was told within the limits, for an optimizer without a distribution.
        self._seen: Architecture | None = None
        self._seen_loss = math.inf

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits."""
        return self._limits.all

    @property
    def rejection_rate(self) -> float:
        """The share of the architectures drawn that were over a limit; 0 before the first."""
        return self.rejected / self.drawn if self.drawn else 0.0

    def ask(self, n: int | None = None) -> list[Architecture]:
        """Draw architectures within the limits.

        Args:
            n: how many; the wrapped optimizer's number by default.

        Raises:
            OptimizerError: if 10,000 draws for each do not give them.
        """
        return self._within(self.optimizer.ask, n)

    def _within(
        self, draw: Callable[[int | None], list[Architecture]], n: int | None = None
    ) -> list[Architecture]:
        batch = draw(n)
        wanted, drawn = len(batch), 0
        # The first ones that fit are kept, in the order in which they were drawn.
        within: list[Architecture] = []
        all_drawn: set[Architecture] = set()
        while True:
            all_drawn.update(batch)
            kept = [architecture for architecture in batch if self._limits.hold(architecture)]
            drawn += len(batch)
            self.drawn += len(batch)
            self.rejected += len(batch) - len(kept)
            within += kept
            if len(within) >= wanted:
                self._forget(all_drawn.difference(within[:wanted]))
                return within[:wanted]
            if drawn >= DRAWS * wanted:
                self._refuse_to_ask(len(within), wanted, drawn, batch)
            # The total doubles each time: few where the limit is wide, many where it is tight.
            batch = draw(min(max(drawn, wanted), BATCH))

    def _forget(self, architectures: Collection[Architecture]) -> None:
        """Say to an optimizer that remembers what it draws which of it nobody will tell."""
        forget = getattr(self.optimizer, "forget", None)
        if forget is not None:
            forget(architectures)

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        if name == "sample":  # a draw that is no question, of optimizers that have one
            return partial(self._within, value)
        if name == "finalists":
            return lambda n: [*filter(self._limits.hold, value(n))] or [self.best()]
        return value

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Tell the wrapped optimizer, and remember the best architecture if it has no distribution.

        Args:
            architectures: of this space.
            losses: shape (lambda,).
            active: bool, shape (lambda, D), or None for all.

        Raises:
            PdasError: as the wrapped optimizer.
        """
        self.optimizer.tell(architectures, losses, active)
        if self._has_distribution:
            return
        _, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        for architecture, loss in zip(architectures, values.tolist(), strict=True):
            better = math.isfinite(loss) and loss < self._seen_loss
            if better and self._limits.hold(architecture):
                self._seen, self._seen_loss = architecture, loss

    def best(self) -> Architecture:
        """The best architecture within the limits.

        With a distribution it is the most probable one. That is exact for one limit on an additive
        `ProductCost`. Otherwise it is the mode of p_theta, or else the most probable of 10,000
        samples of p_theta, the same ones for the same theta.

        Without a distribution it is the one with the lowest loss that was told.
        """
        theta = self._theta()
        if theta is None:
            return self._some if self._seen is None else self._seen
        mode = self.optimizer.best()
        if self._limits.hold(mode):
            return mode
        if (limit := self._limits.exact) is not None:
            found = limit.most_probable(theta)
            return self._some if found is None else found
        return next(filter(self._limits.hold, self._by_probability(theta)), self._some)

    def measures(self) -> dict[str, float]:
        """Those of the wrapped optimizer, and the rejection rate."""
        return {**super().measures(), "rejection_rate": self.rejection_rate}

    def made_with(self) -> dict[str, Any]:
        """That of the wrapped optimizer, and the limits."""
        limits = [f"{each.maximum!r}, costs {fingerprint(each.cost)}" for each in self.limits]
        return {**super().made_with(), "limit": " and ".join(limits)}

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer, the counts of draws, and the best that was told."""
        seen = self._seen and {"architecture": self._seen.to_dict(), "loss": self._seen_loss}
        return {
            "optimizer": self.optimizer.state_dict(),
            "drawn": self.drawn,
            "rejected": self.rejected,
            "seen": seen,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken, of a search within limits too.

        Args:
            state: of `state_dict`.

        Raises:
            OptimizerError: as the wrapped optimizer does, or without the counts of draws.
        """
        try:
            drawn, rejected = count_in(state, "drawn"), count_in(state, "rejected")
            if rejected > drawn:
                raise ValueError(f"rejected is {rejected}, more than the {drawn} drawn")
            wrapped, seen = state["optimizer"], state["seen"]
            architecture = seen and self.space.architecture(seen["architecture"])
            loss = number_in(seen, "loss") if seen else math.inf
        except (LookupError, TypeError, ValueError) as error:
            raise refusal(
                OptimizerError,
                "load_state_dict",
                found=f"no state of a search within a limit ({reason(error)})",
                expected="one of a search within a limit",
                remedy="load this one into the wrapped optimizer",
            ) from error
        self.optimizer.load_state_dict(wrapped)
        self.drawn, self.rejected = drawn, rejected
        self._seen, self._seen_loss = architecture, loss

    def _theta(self) -> FloatArray | None:
        """The distribution of the wrapped optimizer, if it has one: shape (sum K_i,)."""
        return theta_of(self.optimizer, self.space)

    def _by_probability(self, theta: FloatArray) -> Iterator[Architecture]:
        """Samples of p_theta, the most probable first; no state is changed."""
        p = CategoricalProduct(self.space.sizes)
        # Not `set`, which would bring it above the lower bounds.
        p.theta = p.layout.with_padding(theta)
        indices = np.unique(p.sample(np.random.default_rng(0), DRAWS), axis=0)
        order = np.argsort(-p.log_probability(indices), kind="stable")
        return (self.space.architecture(row) for row in indices[order])

    def _refuse_to_ask(
        self, found: int, wanted: int, drawn: int, batch: Sequence[Architecture]
    ) -> NoReturn:
        """Say of each limit how many of the last architectures were over it."""
        over = ", ".join(
            f"{sum(not limit.holds(a) for a in batch)} over {name} of {limit.maximum:g}"
            for name, limit in self._limits.named()
        )
        refuse(
            OptimizerError,
            "ask",
            found=f"{found} of {drawn} architectures drawn to be within the limit (of the last "
            f"{len(batch)}: {over})",
            expected=str(wanted),
            remedy="raise the limit, use a penalty, or start the optimizer at an architecture "
            "within it (initial=)",
        )
