"""A search whose architectures are trained one by one, each with weights of its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from torch import Tensor, nn

from pdas.methods.base import SearchContext, used_by
from pdas.methods.driver import Driver
from pdas.methods.optimizer import Optimizer, asked, count_in
from pdas.methods.planning.halving_rounds import judged_batches
from pdas.methods.planning.plan import PlanRequest
from pdas.methods.proposals import network_of
from pdas.methods.sampled.dropped import Dropped, has_finite_loss, means_of_finite, none_is_finite
from pdas.methods.trials.inheritance import inherit
from pdas.methods.trials.job import Outcome, outcome_of, trial_of
from pdas.methods.trials.running import results_as_they_come
from pdas.methods.trials.schedule import TrialPlan, TrialSchedule
from pdas.methods.trials.trial import Trial, unpacked
from pdas.space import Architecture
from pdas.training.measures import error_of


class Trials(Driver):
    """Trains the network of each architecture that an optimizer asks for.

    Its fresh weights and all that its training draws depend on the seed of the search and on the
    architecture. Its schedule is the search's over its own length. What is told is the error,
    1 - accuracy, where the loss measures it; otherwise the loss. `samples` architectures are asked
    for and told together, so the number of workers changes nothing. An architecture that comes
    back is told what it had.

    A step of the search is one trial, and an epoch is a round of `samples`. The state is kept after
    every step, so no trial is done twice.

    With `inherit`, a network begins with the weights of `optimizer.parent(architecture)`. They are
    kept as long as `optimizer.parents()` names them; without that, always.

    Args:
        optimizer: draws architectures. Its limit, if it has one, holds for all of them.
        learner: what is told: the optimizer, or a wrapper of it with a penalty.
        schedule: how many trials, and how long.

    Attributes:
        schedule: see above.

    Example:
        Trials(Uniform(space), None, TrialSchedule(trials=100))
    """

    trains_weights: ClassVar[bool] = False

    def __init__(
        self, optimizer: Optimizer, learner: Optimizer | None, schedule: TrialSchedule
    ) -> None:
        super().__init__(optimizer, learner)
        self.schedule = schedule
        self._asked: list[Architecture] = []  # in this round
        self._left: list[Architecture] = []  # of these, whose step has not come yet
        self._told = 0  # architectures, in the rounds before
        self._trained = 0  # networks
        self._outcomes: dict[Architecture, dict[str, float]] = {}
        self._weights: dict[Architecture, Tensor | None] = {}  # of possible parents
        self._new: dict[Architecture, Tensor | None] = {}  # of this round, parents in the next one
        self._dropped = Dropped()
        self._running: Generator[tuple[Architecture, Outcome]] | None = None

    def plan(self, request: PlanRequest) -> TrialPlan:
        return self.schedule.plan(request)

    def begin(self, context: SearchContext) -> None:
        super().begin(context)
        assert isinstance(context.plan, TrialPlan)
        self._plan: TrialPlan = context.plan

    def learns(self, step: int) -> bool:
        """Never from a batch of its own: a trial reads the data by itself."""
        return False

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        """One trial. The last one of a round tells all, and has their mean measures."""
        if not self._asked:
            self._ask()
        self._left.remove(self._next())
        return {} if self._left else self._tell()

    def _ask(self) -> None:
        left = self._plan.steps - self._told
        self._asked = asked(self.learner, min(self._context.settings.samples, left))
        self._left = list(self._asked)

    def _next(self) -> Architecture:
        """One of those that are left, with its outcome: a known one, or the next that ends."""
        known = next(filter(self._is_known, self._left), None)
        if known is not None:
            return known
        if self._running is None:
            self._running = self._outcomes_left()
        architecture, outcome = next(self._running)
        self._outcomes[architecture] = outcome.measures
        self._trained += 1
        if self.schedule.inherit:
            self._new[architecture] = outcome.weights
        return architecture

    def _is_known(self, architecture: Architecture) -> bool:
        """Whether it was trained, and can be a parent if that is asked for."""
        if self.schedule.inherit:
            return architecture in self._weights or architecture in self._new
        return architecture in self._outcomes

    def _outcomes_left(self) -> Generator[tuple[Architecture, Outcome]]:
        context = self._context
        return results_as_they_come(
            outcome_of,
            list(dict.fromkeys(self._left)),
            self._arguments,
            context.ranks,
            context.executor,
        )

    def _arguments(self, architecture: Architecture) -> tuple[Trial, nn.Module, int, int, bool]:
        """Those of `outcome_of`."""
        context = self._context
        assert context.derive is not None
        trial = trial_of(context.trial, architecture)
        network = trial.network(context.derive, architecture)
        if self.schedule.inherit:
            self._inherit(network, architecture)
        steps = self._plan.length_of(self._told + self._asked.index(architecture))
        judged = judged_batches(steps, len(trial.theta_batches))
        return trial, network, steps, judged, self.schedule.inherit

    def _inherit(self, network: nn.Module, architecture: Architecture) -> None:
        optimizer: Any = self.optimizer
        parent: Architecture | None = optimizer.parent(architecture)
        weights = None if parent is None else self._weights.get(parent)
        if parent is not None and weights is not None:
            inherit(network, parent, unpacked(weights))

    def _tell(self) -> Mapping[str, float]:
        told, measured = self._asked, [self._outcomes[each] for each in self._asked]
        self._told += len(told)
        if any(map(has_finite_loss, measured)) and len(told) >= self.learner.smallest_tell:
            used = used_by(self._context.learns_from, told)
            self.learner.tell(told, [self._error(each) for each in told], used)
        if not any(map(has_finite_loss, self._outcomes.values())):
            raise none_is_finite("loss of a trial", told, self._told)
        self._dropped.log("loss of a trial", told, measured, self._told)
        self._asked, self._running = [], None
        self._end_round()
        return {f"theta_{name}": mean for name, mean in means_of_finite(measured).items()}

    def _error(self, architecture: Architecture) -> float:
        return error_of(self._outcomes[architecture])

    def _end_round(self) -> None:
        """Drop the weights of those that cannot be parents any more."""
        self._weights |= self._new
        self._new = {}
        optimizer: Any = self.optimizer
        if hasattr(optimizer, "parents"):
            parents = set(optimizer.parents())
            self._weights = {each: w for each, w in self._weights.items() if each in parents}

    def best(self) -> Architecture:
        return self.finalists(1)[0]

    def finalists(self, n: int) -> list[Architecture]:
        """Those that the optimizer names, or else the best that were trained, one of a network."""
        named, most = getattr(self.optimizer, "finalists", self._ranked), n
        while True:
            networks: dict[object, Architecture] = {}
            for each in named(most):
                networks.setdefault(network_of(each, self._context.active), each)
            if len(networks) >= n or most >= len(self._outcomes):
                return [*networks.values()][:n] or [self.optimizer.best()]
            most *= 2  # several were the same network

    def _ranked(self, n: int) -> list[Architecture]:
        """The n best that were trained."""
        penalty = getattr(self.learner, "penalty", None) or (lambda architecture: 0.0)
        errors = {each: self._error(each) + penalty(each) for each in self._outcomes}
        finite = filter(lambda each: math.isfinite(errors[each]), errors)
        return sorted(finite, key=errors.__getitem__)[:n]

    def measures(self) -> Mapping[str, float]:
        """Those of the optimizer, and how many networks were trained."""
        return {**super().measures(), "trials": float(self._trained)}

    def made_with(self) -> dict[str, Any]:
        """That of the optimizer, with its limits and penalty, and the schedule."""
        schedule = {f"method.{name}": value for name, value in asdict(self.schedule).items()}
        return super().made_with() | schedule

    def after_steps(self) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what has not begun."""
        if self._running is not None:
            self._running.close()
        self._running = None

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.learner.state_dict(),
            "asked": _plain(self._asked),
            "left": _plain(self._left),
            "told": self._told,
            "trained": self._trained,
            "outcomes": [*zip(_plain(self._outcomes), self._outcomes.values(), strict=True)],
            "weights": [*zip(_plain(self._weights), self._weights.values(), strict=True)],
            "new": [*zip(_plain(self._new), self._new.values(), strict=True)],
            "dropped": self._dropped.count,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.learner.load_state_dict(state["optimizer"])
        made = self.optimizer.space.architecture
        self._asked, self._left = ([*map(made, state[name])] for name in ("asked", "left"))
        self._told, self._trained = count_in(state, "told"), count_in(state, "trained")
        self._outcomes = {made(indices): measures for indices, measures in state["outcomes"]}
        self._weights, self._new = (
            {made(indices): weights for indices, weights in state[name]}
            for name in ("weights", "new")
        )
        self._dropped.count = count_in(state, "dropped")


def _plain(architectures: Collection[Architecture]) -> list[list[int]]:
    """Their category indices."""
    return [architecture.indices.tolist() for architecture in architectures]
