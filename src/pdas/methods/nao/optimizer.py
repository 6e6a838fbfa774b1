"""NAO as an optimizer: a pool is scored, a model is fitted, and its proposals join the pool."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any

import numpy as np
import torch

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.nao.fit import Fit, Fitting, ascend, fit
from pdas.methods.nao.model import Model, Size
from pdas.methods.nao.sequence import Sequence
from pdas.methods.observing import Observing, with_worst
from pdas.methods.optimizer import checked_count, number_in
from pdas.resume.tensor_text import load_weights, read_weights, weights_text
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.refusals import check_integer

Row = tuple[int, ...]

TRIES = 20  # draws for each uniform architecture that must not be known


@computes_on_cpu
class NAO(Observing):
    """Asks for the architectures of a pool that are not scored yet; a scored pool makes new ones.

    The model is fitted when more are asked for than the pool has, and continues from its weights.
    What is told and not in the pool joins it. Two architectures that are the same network count
    as one. Where no new one is found along the gradient, uniform ones are.

    Args:
        space: the search space.
        seed: of the random generator and of the model.
        samples: how many architectures `ask()` gives.
        seeds: size of the first pool, which is uniform.
        new: architectures that a round adds.
        top: the best of the pool, from which the ascent begins.
        steps: lengths of the steps of the ascent; each next one is taken if new ones are missing.
        fitting: how the model is trained.
        replaces: whether new ones take the place of the worst, and all are scored anew, as it must
            be where the scores come from shared weights in training.
        size: of the model.

    Example:
        optimizer = NAO(space, seeds=60, new=20, top=20)
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 2,
        seeds: int = 60,
        new: int = 20,
        top: int = 20,
        steps: Iterable[float] = (10.0, 20.0, 30.0),
        fitting: Fitting | None = None,
        replaces: bool = False,
        size: Size | None = None,
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        for name, value in {"seeds": seeds, "new": new, "top": top}.items():
            check_integer(name, value, 1)
        self._new, self._top, self._steps, self._replaces = new, top, tuple(steps), replaces
        self._fitting = fitting or Fitting()
        self._sequence = Sequence(space)
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(seed)  # not those of devices
            self._model = Model(self._sequence, size or Size())
        self._fit = Fit(pairs=0.0, wrong=1.0)
        # The pool: those that were told, those that were asked for, and those that come next.
        self._scored: dict[Row, float] = {}
        self._asked: dict[Row, None] = {}
        self._queue = dict.fromkeys(self._draws(seeds, ()))
        self._fitted: dict[Row, float] = {}  # what the model was fitted to

    def ask(self, n: int | None = None) -> list[Architecture]:
        """The next of the pool that are not scored; uniform ones where these are not enough."""
        count = checked_count(n, self.samples)
        self._begin_round_if_due()
        rows = list(islice(self._queue, count))
        for row in rows:
            del self._queue[row]
            self._asked[row] = None
        further = [self.space.uniform(self._rng) for _ in range(count - len(rows))]
        return [self.space.architecture(row) for row in rows] + further

    def sample(self, n: int | None = None) -> list[Architecture]:
        """Uniform draws from the pool, for the training of shared weights."""
        count = checked_count(n, self.samples)
        self._begin_round_if_due()
        rows = [*self._scored, *self._asked, *self._queue]
        drawn = self._rng.integers(len(rows), size=count)
        return [self.space.architecture(rows[i]) for i in drawn]

    def finalists(self, n: int) -> list[Architecture]:
        """The best of the last pool that was scored, where scores go with the weights."""
        scored = self._scored if self._is_scored() else self._fitted
        if not (self._replaces and scored):
            return super().finalists(n)
        return [self.space.architecture(row) for row in _ranked(scored)[:n]]

    def measures(self) -> dict[str, float]:
        """How well the model fits: the pairs that it orders, and the tokens that it changes."""
        return {"pairs": self._fit.pairs, "changed": self._fit.wrong}

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "scored": _plain(self._scored),
            "asked": [list(row) for row in self._asked],
            "queue": [list(row) for row in self._queue],
            "fitted": _plain(self._fitted),
            "fit": {"pairs": self._fit.pairs, "wrong": self._fit.wrong},
            "model": weights_text(self._model),
        }

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        rows = map(tuple, self._sequence.canonical(indices).tolist())
        for row, loss in zip(rows, with_worst(losses).tolist(), strict=True):
            if row not in self._scored:
                self._scored[row] = loss
                self._take_out(row)

    def _take_out(self, row: Row) -> None:
        """A new one of the pool is not waited for; it may be in place of another.

        What was asked for in vain, as within a limit, is followed by one from beyond the pool.
        """
        if row in self._queue:
            del self._queue[row]
        elif row in self._asked:
            del self._asked[row]
        elif self._asked and not self._queue:
            del self._asked[next(iter(self._asked))]

    def _is_scored(self) -> bool:
        """Whether the whole pool is."""
        return not (self._queue or self._asked)

    def _begin_round_if_due(self) -> None:
        """Fit the model to a scored pool, and let what it proposes come next."""
        # A small space may have no more new ones to add: then nothing is learned twice.
        if not self._is_scored() or (not self._replaces and self._scored == self._fitted):
            return
        ranked = _ranked(self._scored)
        rows, losses = np.array(ranked), np.array([self._scored[row] for row in ranked])
        self._fit = fit(self._model, self._sequence, rows, losses, self._fitting, self._rng)
        proposed = self._proposed(rows[: self._top])
        self._fitted = dict(self._scored)
        if self._replaces:
            kept = ranked[: max(len(ranked) - len(proposed), 1)]
            self._scored, self._queue = {}, dict.fromkeys([*kept, *proposed])
        else:
            self._queue = dict.fromkeys(proposed)

    def _proposed(self, best: IntArray) -> list[Row]:
        """New architectures, by longer and longer steps from the best ones."""
        found: dict[Row, None] = {}
        for step in self._steps:
            moved = self._sequence.canonical(ascend(self._model, self._sequence, best, step))
            decoded = map(tuple, moved.tolist())
            found |= dict.fromkeys(row for row in decoded if row not in self._scored)
            if len(found) >= self._new:
                break
        rows = list(found)[: self._new]
        return [*rows, *self._draws(self._new - len(rows), {*rows, *self._scored})]

    def _draws(self, count: int, known: Collection[Row]) -> list[Row]:
        """Different uniform architectures that are not known, as many as there are."""
        found: dict[Row, None] = {}
        for _ in range(TRIES * count):
            if len(found) >= count:
                break
            drawn = self.space.uniform(self._rng).indices[np.newaxis]
            row = tuple(self._sequence.canonical(drawn)[0].tolist())
            if row not in known:
                found[row] = None
        return list(found)

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        weights = read_weights(state["model"], self._model)
        scored, fitted = self._scores(state["scored"]), self._scores(state["fitted"])
        asked, queue = (
            dict.fromkeys(self._row(row) for row in state[name]) for name in ("asked", "queue")
        )
        found = Fit(number_in(state["fit"], "pairs", 0, 1), number_in(state["fit"], "wrong", 0, 1))
        if not (scored or asked or queue):
            raise ValueError("an empty pool")

        def restore() -> None:
            self._scored, self._asked, self._queue = scored, asked, queue
            self._fitted, self._fit = fitted, found
            load_weights(weights, self._model)

        return restore

    def _scores(self, plain: list[dict[str, Any]]) -> dict[Row, float]:
        return {self._row(each["indices"]): number_in(each, "loss") for each in plain}

    def _row(self, indices: Any) -> Row:
        return tuple(self.space.architecture(indices).indices.tolist())


def _ranked(scores: dict[Row, float]) -> list[Row]:
    """The architectures, that with the lowest loss first."""
    return sorted(scores, key=scores.__getitem__)


def _plain(scores: dict[Row, float]) -> list[dict[str, Any]]:
    return [{"indices": list(row), "loss": loss} for row, loss in scores.items()]
