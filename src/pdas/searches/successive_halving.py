"""The separate training of finalists, by successive halving.

Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
AISTATS 2016; see `halving_rounds`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from pdas.distributed.ranks import Ranks
from pdas.methods.planning.halving_rounds import judged_batches, round_steps, rounds, whole_steps
from pdas.methods.trials.running import results_as_they_come
from pdas.methods.trials.trial import Derive, StateAndLoss, Trial
from pdas.searches.finalists import Finalist, rank_key
from pdas.space import SearchSpace


class SuccessiveHalving:
    """Trains finalists by successive halving.

    Args:
        space: that of the architectures.
        trial: trains one of them.
        passes: the budget of all trials, in training passes; 0 trains none.
        derive: makes the network of an architecture; needed where any is trained.
        ranks: the processes of the search.
        executor: where trials run; by default in this process, or in those of all ranks.
        trial_steps: the most steps of a whole training; by default as many as the budget allows.

    Attributes:
        finalists: all of them, each with its current loss and steps.
        passes: see above; it may change before `begin`.

    Example:
        trials = SuccessiveHalving(space, trial, 1000.0, net.derive, ranks)
        trials.begin([Finalist(architecture) for architecture in architectures])
        for _ in trials.run():
            print(trials.left, "of", trials.total)
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
        self.passes = passes
        self._derive = derive
        self._ranks = ranks
        self._executor = executor
        self._trial_steps = trial_steps
        self.finalists: list[Finalist] = []
        self._round = 0
        self._chosen: list[int] = []  # in this round; the best of the round before first
        self._done: list[int] = []  # in this round
        self._states: dict[int, Tensor | None] = {}  # of each training that may continue

    def begin(self, finalists: Sequence[Finalist]) -> None:
        """Start with these finalists; none of them has been trained."""
        self.finalists = list(finalists)
        self._chosen = list(range(sum(self._sizes[:1])))

    @property
    def total(self) -> int:
        """The number of trials in all rounds."""
        return sum(self._sizes)

    @property
    def left(self) -> int:
        """The number of trials that have not run yet."""
        return sum(self._sizes[self._round :]) - len(self._done)

    def run(self) -> Iterator[None]:
        """Run the remaining trials, with a pause after each.

        Yields:
            Nothing; the caller may stop here or write a checkpoint.

        Raises:
            OutOfMemoryError: a training does not fit.
        """
        per_pass = len(self._trial.theta_batches)
        whole = whole_steps(self._sizes, self.passes, per_pass, self._trial_steps)
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
        return rounds(len(self.finalists)) if self.passes else []

    def _forget(self) -> None:
        """Drop the state of each training that cannot reach the next round any more."""
        done = set(self._done)
        for index in self._ranked([i for i in self._chosen if i in done])[self._next_size :]:
            self._states.pop(index, None)

    def _end_round(self) -> None:
        self._chosen = self._ranked(self._chosen)[: self._next_size]
        self._round += 1
        self._done = []

    def _ranked(self, indices: Sequence[int]) -> list[int]:
        return sorted(indices, key=lambda index: rank_key(self.finalists[index]))

    @property
    def _next_size(self) -> int:
        """How many finalists reach the next round."""
        return [*self._sizes, 0][self._round + 1]

    def _trials(self, until: int, whole: int, judged: int) -> Iterator[tuple[int, StateAndLoss]]:
        """The outcomes of this round as they arrive, each with the index of its finalist."""
        waiting = [index for index in self._chosen if index not in self._done]
        ended = [index for index in waiting if self.finalists[index].loss == math.inf]
        for index in ended:  # a training whose loss is not finite does not continue
            yield index, (None, math.inf)
        yield from results_as_they_come(
            self._trial,
            [index for index in waiting if index not in ended],
            lambda index: (*self._begun(index), until, whole, judged),
            self._ranks,
            self._executor,
        )

    def _begun(self, index: int) -> tuple[nn.Module, Tensor | None]:
        """The network of a finalist, and the state of its training."""
        assert self._derive is not None
        network = self._trial.network(self._derive, self.finalists[index].architecture)
        return network, self._states.get(index)

    def state_dict(self) -> dict[str, Any]:
        """All results and states of trainings, as plain data and tensors."""
        return {
            "finalists": [finalist.to_plain() for finalist in self.finalists],
            "round": self._round,
            "chosen": list(self._chosen),
            "done": list(self._done),
            "states": dict(self._states),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.finalists = [Finalist.of_plain(self._space, plain) for plain in state["finalists"]]
        self._round = state["round"]
        self._chosen, self._done = list(state["chosen"]), list(state["done"])
        self._states = dict(state["states"])
