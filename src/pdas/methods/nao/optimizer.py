"""NAO as an optimizer: a pool is scored, a model is fitted, and its proposals join the pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pdas.methods.nao.fit import Fit, ascend, fit
from pdas.methods.nao.model import Model, Size
from pdas.methods.nao.sequence import Sequence
from pdas.methods.observing import Observing
from pdas.methods.optimizer import checked_count, number_in
from pdas.resume.tensor_text import from_text, to_text
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.refusals import check_integer

Row = tuple[int, ...]

STEPS = 50  # the longest step of the ascent; they are 1, 2, 3 and so on


class NAO(Observing):
    """Asks for the architectures of a pool that are not scored yet; a scored pool makes new ones.

    What is told and not in the pool joins it. Where no new architecture is found along the
    gradient, uniform ones are.

    Args:
        space: the search space.
        seed: of the random generator and of the model.
        samples: how many architectures `ask()` gives.
        seeds: size of the first pool, which is uniform.
        new: architectures that a round adds.
        top: the best of the pool, from which the ascent begins.
        fit_epochs: passes over the pool of a fit.
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
        fit_epochs: int = 300,
        replaces: bool = False,
        size: Size | None = None,
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        for name, value in {"seeds": seeds, "new": new, "top": top}.items():
            check_integer(name, value, 1)
        self._new, self._top, self._epochs, self._replaces = new, top, fit_epochs, replaces
        self._sequence = Sequence(space)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self._model = Model(self._sequence, size or Size())
        self._fit = Fit(pairs=0.0, wrong=1.0)
        self._pool: dict[Row, float | None] = dict.fromkeys(self._draws(seeds))
        self._asked: set[Row] = set()
        self._scored: dict[Row, float] = {}  # the last pool that was scored whole

    def ask(self, n: int | None = None) -> list[Architecture]:
        """The next of the pool that are not scored; uniform ones where these are not enough."""
        count = checked_count(n, self.samples)
        waiting = [row for row, loss in self._pool.items() if loss is None]
        rows = [row for row in waiting if row not in self._asked][:count]
        self._asked.update(rows)
        further = [self.space.uniform(self._rng) for _ in range(count - len(rows))]
        return [self.space.architecture(row) for row in rows] + further

    def sample(self, n: int | None = None) -> list[Architecture]:
        """Uniform draws from the pool, for the training of shared weights."""
        rows = list(self._pool)
        drawn = self._rng.integers(len(rows), size=checked_count(n, self.samples))
        return [self.space.architecture(rows[i]) for i in drawn]

    def finalists(self, n: int) -> list[Architecture]:
        """The best of the last pool that was scored, where scores go with the weights."""
        if not (self._replaces and self._scored):
            return super().finalists(n)
        ranked = sorted(self._scored, key=lambda row: self._scored[row])
        return [self.space.architecture(row) for row in ranked[:n]]

    def measures(self) -> dict[str, float]:
        """How well the model fits: the pairs that it orders, and the tokens that it changes."""
        return {"pairs": self._fit.pairs, "changed": self._fit.wrong}

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "pool": [{"indices": list(row), "loss": loss} for row, loss in self._pool.items()],
            "asked": [list(row) for row in sorted(self._asked)],
            "scored": [{"indices": list(row), "loss": x} for row, x in self._scored.items()],
            "fit": {"pairs": self._fit.pairs, "wrong": self._fit.wrong},
            "model": {name: to_text(weight) for name, weight in self._model.named_parameters()},
        }

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        finite = np.isfinite(losses)
        losses = np.where(finite, losses, losses[finite].max())
        was_full = None not in self._pool.values()
        for row, loss in zip(map(tuple, indices.tolist()), losses.tolist(), strict=True):
            self._asked.discard(row)
            self._make_room(row)
            if self._pool.get(row) is None:
                self._pool[row] = loss
        if not was_full and None not in self._pool.values():
            self._end_round()

    def _make_room(self, row: Row) -> None:
        """Let what was asked beyond the pool replace one that a limit may have passed over."""
        waiting = [each for each, loss in self._pool.items() if loss is None]
        if row not in self._pool and waiting and self._asked.issuperset(waiting):
            del self._pool[waiting[0]]
            self._asked.discard(waiting[0])

    def _end_round(self) -> None:
        """Fit the model to the pool, and put what it proposes into the pool."""
        self._scored = {row: loss for row, loss in self._pool.items() if loss is not None}
        ranked = sorted(self._scored, key=lambda row: self._scored[row])
        rows, losses = np.array(ranked), np.array([self._scored[row] for row in ranked])
        self._fit = fit(self._model, self._sequence, rows, losses, self._epochs, self._rng)
        proposed = self._proposed(rows[: self._top])
        if self._replaces:
            kept = ranked[: max(len(ranked) - len(proposed), 1)]
            self._pool = dict.fromkeys([*kept, *proposed])
        else:
            self._pool |= dict.fromkeys(proposed)

    def _proposed(self, best: IntArray) -> list[Row]:
        """New architectures, by longer and longer steps from the best ones."""
        found: dict[Row, None] = {}
        for step in range(1, STEPS + 1):
            for row in map(tuple, ascend(self._model, self._sequence, best, step).tolist()):
                if row not in self._pool and len(found) < self._new:
                    found[row] = None
            if len(found) >= self._new:
                break
        return [*found, *self._draws(self._new - len(found), {*found, *self._pool})]

    def _draws(self, count: int, known: set[Row] = frozenset()) -> list[Row]:  # type: ignore[assignment]
        """Different uniform architectures that are not known, as many as there are."""
        found: dict[Row, None] = {}
        for _ in range(20 * count):
            if len(found) >= count:
                break
            row = tuple(self.space.uniform(self._rng).indices.tolist())
            if row not in known:
                found[row] = None
        return list(found)

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        shapes = {name: weight.shape for name, weight in self._model.named_parameters()}
        weights = {name: from_text(state["model"][name], shape) for name, shape in shapes.items()}
        pool = {
            self._row(each["indices"]): None if each["loss"] is None else number_in(each, "loss")
            for each in state["pool"]
        }
        scored = {self._row(each["indices"]): number_in(each, "loss") for each in state["scored"]}
        asked = {self._row(row) for row in state["asked"]}
        found = Fit(number_in(state["fit"], "pairs", 0, 1), number_in(state["fit"], "wrong", 0, 1))
        if not pool:
            raise ValueError("an empty pool")

        def restore() -> None:
            self._pool, self._asked, self._scored, self._fit = pool, asked, scored, found
            with torch.no_grad():
                for name, weight in self._model.named_parameters():
                    weight.copy_(weights[name])

        return restore

    def _row(self, indices: Any) -> Row:
        return tuple(self.space.architecture(indices).indices.tolist())
