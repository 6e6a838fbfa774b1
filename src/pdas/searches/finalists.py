"""The end of a search: some architectures are compared, and the best of them is what was found.

Finalists are the mode of theta and others drawn from it. Where a share of the length is set aside
for it, they are trained by themselves, by successive halving (Jamieson and Talwalkar,
"Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016); see
`halving`. Else the shared weights judge each on the whole of D_theta, which costs little and tells
less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from pdas.distributed.ranks import Ranks
from pdas.methods import Optimizer
from pdas.methods.sampled import Active
from pdas.searches.halving import judged_batches, round_steps, rounds, whole_steps
from pdas.searches.trial import Derive, Outcome, Trial
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError
from pdas.training.memory import enough_memory

DRAWS = 50  # for each finalist that is wanted, until that many are distinct


@dataclass(frozen=True)
class Finalist:
    """An architecture that was compared at the end of a search.

    Attributes:
        shared_loss: on D_theta, by the shared weights; None if it was to be trained.
        loss: on D_theta after a training of its own, which may be infinite; None without one.
        steps: of that training.
        penalty: of its cost, which is added to the loss where finalists are ranked.
    """

    architecture: Architecture
    shared_loss: float | None = None
    loss: float | None = None
    steps: int = 0
    penalty: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For people and for JSON, with labels; a loss that is not a finite number is null."""
        return {
            "architecture": self.architecture.to_dict(),
            "shared_loss": _finite(self.shared_loss),
            "loss": _finite(self.loss),
            "steps": self.steps,
            "penalty": self.penalty,
        }

    def to_plain(self) -> dict[str, Any]:
        """As plain data, with the category indices of the architecture."""
        indices = self.architecture.indices.tolist()
        return {"indices": indices, **{name: getattr(self, name) for name in _MEASURED}}

    @classmethod
    def of_plain(cls, space: SearchSpace, plain: dict[str, Any]) -> Finalist:
        """What `to_plain` was made of."""
        measured = {name: plain[name] for name in _MEASURED}
        return cls(space.architecture(plain["indices"]), **measured)


_MEASURED = ("shared_loss", "loss", "steps", "penalty")


def propose(optimizer: Optimizer, count: int, active: Active | None = None) -> list[Architecture]:
    """The mode and what the optimizer draws: `count` distinct ones, or all that turn up."""
    return distinct(optimizer, count, active, [optimizer.best()])


def distinct(
    optimizer: Optimizer,
    count: int,
    active: Active | None = None,
    first: Sequence[Architecture] = (),
) -> list[Architecture]:
    """`count` different networks, `first` and others that are drawn, or all that turn up.

    active: which variables an architecture uses; those that differ in the others only are one
    network.
    """
    found = {_network(architecture, active): architecture for architecture in first}
    for _ in range(DRAWS):
        if len(found) >= count:
            break
        for architecture in optimizer.ask(count):
            found.setdefault(_network(architecture, active), architecture)
    return list(found.values())[:count]


def _network(architecture: Architecture, active: Active | None) -> tuple[int | None, ...]:
    """The category of every variable that is in use, which tells networks apart."""
    indices = architecture.indices.tolist()
    used = [True] * len(indices) if active is None else active(architecture)
    return tuple(index if use else None for index, use in zip(indices, used, strict=True))


class Finals:
    """Trains finalists by successive halving.

    Args:
        space: that of the architectures.
        trial: how each is trained.
        passes: that the trials may cost, in training passes; 0 trains none.
        derive: the network of an architecture, if any is trained.
        executor: where trials run; by default in this process, or in those of all ranks.
        trial_steps: most steps of a whole training; by default as many as can be paid.

    Attributes:
        finalists: all of them, with what is known so far.
    """

    def __init__(
        self,
        space: SearchSpace,
        trial: Trial,
        passes: float,
        derive: Derive | None,
        ranks: Ranks,
        executor: Executor | None = None,
        trial_steps: int | None = None,
    ) -> None:
        self._space = space
        self._trial = trial
        self._passes = passes
        self._derive = derive
        self._ranks = ranks
        self._executor = executor
        self._trial_steps = trial_steps
        self.finalists: list[Finalist] = []
        self._round = 0
        self._chosen: list[int] = []  # in this round; the best of the round before first
        self._done: list[int] = []  # in this round
        self._states: dict[int, Tensor | None] = {}  # where each training stands

    def begin(self, finalists: Sequence[Finalist]) -> None:
        """Take these finalists."""
        self.finalists = list(finalists)
        self._chosen = list(range(sum(self._sizes[:1])))

    @property
    def total(self) -> int:
        """Trials of all rounds."""
        return sum(self._sizes)

    @property
    def left(self) -> int:
        """Trials that are still to be run."""
        return sum(self._sizes[self._round :]) - len(self._done)

    def run(self) -> Iterator[None]:
        """Run the trials that are left, with a pause after each."""
        per_pass = len(self._trial.theta_batches)
        whole = whole_steps(self._sizes, self._passes, per_pass, self._trial_steps)
        for until in round_steps(self._sizes, whole)[self._round :]:
            for index, (state, loss) in self._trials(until, whole, judged_batches(until, per_pass)):
                self._states[index] = state
                self.finalists[index] = replace(self.finalists[index], loss=loss, steps=until)
                self._done.append(index)
                self._forget()
                if len(self._done) == len(self._chosen):
                    self._end_round()
                yield

    @property
    def _sizes(self) -> list[int]:
        return rounds(len(self.finalists)) if self._passes else []

    def _forget(self) -> None:
        """Keep where trainings stand only of those that may still go on to the next round."""
        done = set(self._done)
        for index in self._ranked([i for i in self._chosen if i in done])[self._next_size :]:
            self._states.pop(index, None)

    def _end_round(self) -> None:
        self._chosen = self._ranked(self._chosen)[: self._next_size]
        self._round += 1
        self._done = []

    def _ranked(self, indices: Sequence[int]) -> list[int]:
        return sorted(indices, key=lambda index: _place(self.finalists[index]))

    @property
    def _next_size(self) -> int:
        """How many go on to the next round."""
        return [*self._sizes, 0][self._round + 1]

    def _trials(self, until: int, whole: int, judged: int) -> Iterator[tuple[int, Outcome]]:
        """The outcomes of this round as they come, by the index of the finalist."""
        waiting = [index for index in self._chosen if index not in self._done]
        ended = [index for index in waiting if self.finalists[index].loss == math.inf]
        for index in ended:  # not finite any more, so it is not trained on
            yield index, (None, math.inf)
        run = self._in_turns if self._executor is None else self._on_executor
        yield from run([i for i in waiting if i not in ended], until, whole, judged)

    def _on_executor(
        self, waiting: Sequence[int], until: int, whole: int, judged: int
    ) -> Iterator[tuple[int, Outcome]]:
        assert self._executor is not None
        futures = {
            self._executor.submit(self._trial, *self._begun(index), until, whole, judged): index
            for index in waiting
        }
        try:
            for future in as_completed(futures):
                yield futures.pop(future), future.result()  # and keep no result
        finally:
            for future in futures:
                future.cancel()

    def _in_turns(
        self, waiting: Sequence[int], until: int, whole: int, judged: int
    ) -> Iterator[tuple[int, Outcome]]:
        for first in range(0, len(waiting), self._ranks.size):
            turn = waiting[first : first + self._ranks.size]
            with enough_memory(_too_large):
                own = [
                    self._trial(*self._begun(index), until, whole, judged)
                    for index in self._ranks.share(turn)
                ]
            yield from zip(turn, self._ranks.gather(own, patiently=True), strict=True)

    def _begun(self, index: int) -> tuple[nn.Module, Tensor | None]:
        """The network of a finalist, and where its training stands."""
        assert self._derive is not None
        network = self._trial.network(self._derive, self.finalists[index].architecture)
        return network, self._states.get(index)

    def state_dict(self) -> dict[str, Any]:
        """What was done so far, as plain data and tensors."""
        return {
            "finalists": [finalist.to_plain() for finalist in self.finalists],
            "round": self._round,
            "chosen": list(self._chosen),
            "done": list(self._done),
            "states": dict(self._states),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.finalists = [Finalist.of_plain(self._space, plain) for plain in state["finalists"]]
        self._round = state["round"]
        self._chosen, self._done = list(state["chosen"]), list(state["done"])
        self._states = dict(state["states"])


def _too_large() -> str:
    return "the training of a finalist does not fit; lower search.batch_size"


def best_first(finalists: Sequence[Finalist]) -> list[Finalist]:
    """Those that were trained longest before the others, and of these the one of the least loss.

    Raises `NonFiniteLossError` if none has a loss that is finite.
    """
    ranked = sorted(finalists, key=_place)
    if not math.isfinite(_loss(ranked[0])):
        raise NonFiniteLossError(
            f"search.finalists: found no finite loss of any of {len(ranked)} finalists, expected "
            "one; lower search.learning_rate"
        )
    return ranked


def _place(finalist: Finalist) -> tuple[bool, int, float]:
    loss = _loss(finalist)
    return not math.isfinite(loss), -finalist.steps, loss


def _loss(finalist: Finalist) -> float:
    """What finalists are ranked by, infinite if it is not known or no number."""
    loss = finalist.loss if finalist.steps else finalist.shared_loss
    return math.inf if loss is None or math.isnan(loss) else loss + finalist.penalty


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None
