"""What every optimizer must do: the protocol `pdas.methods.optimizer.Optimizer` as tests."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError, OptimizerError
from pdas.testing.refusal import refusal

Make = Callable[[SearchSpace, int], Optimizer]

SPACE = SearchSpace(
    {"op": ("conv3", "conv5", "skip"), "width": (64, 128), "one": ("only",), "depth": range(6)}
)
OTHER = SearchSpace({**SPACE, "width": (64, 256)})

LOSSES_THAT_DO_NOT_FIT = {
    "one too few": [0.1],
    "one too many": [0.1, 0.2, 0.3],
    "two axes": [[0.1], [0.2]],
    "a scalar": 0.1,
    "text": ["a", "b"],
    "ragged": [[0.1], [0.2, 0.3]],
}


class OptimizerTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `make`: a callable that gives a new optimizer of a search space with a seed.

    Example:
        class TestFast(OptimizerTests):
            @pytest.fixture
            def make(self):
                return lambda space, seed: pdas.PDAS(space, seed=seed, eta=0.1)
    """

    def test_ask_gives_architectures_of_the_space(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        assert optimizer.space == SPACE
        assert len(optimizer.ask()) >= optimizer.smallest_tell >= 1
        assert [len(optimizer.ask(n)) for n in (1, 2, 7)] == [1, 2, 7]
        for architecture in [*optimizer.ask(5), optimizer.best()]:
            assert isinstance(architecture, Architecture)
            assert architecture.space == SPACE

    def test_every_category_is_asked_for(self, make: Make) -> None:
        asked = np.array([a.indices for a in make(SPACE, 0).ask(300)])
        for column, K in zip(asked.T, SPACE.sizes, strict=True):
            assert set(column.tolist()) == set(range(K))

    @pytest.mark.parametrize("categories", [["only"], [False, True]], ids=["1", "2"])
    def test_the_smallest_spaces(self, make: Make, categories: list[Any]) -> None:
        space = SearchSpace({"one": categories})
        optimizer = make(space, 0)
        for _ in range(200):
            architectures = optimizer.ask()
            optimizer.tell(architectures, [float(-a.indices[0]) for a in architectures])
        assert optimizer.best()["one"] == categories[-1]

    def test_it_finds_the_best_of_a_small_space(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        target = SPACE.architecture([2, 0, 0, 3]).indices
        for _ in range(600):
            architectures = optimizer.ask()
            optimizer.tell(architectures, [np.sum(a.indices != target) for a in architectures])
        assert optimizer.best().indices.tolist() == target.tolist()

    def test_it_learns_from_architectures_of_elsewhere(self, make: Make) -> None:
        """Any number of them from the smallest on, made by a space that is only equal."""
        rng = np.random.default_rng(0)
        twin = SearchSpace(SPACE.to_dict())
        optimizer = make(SPACE, 0)
        smallest = optimizer.smallest_tell
        for _ in range(400):
            architectures = [twin.uniform(rng) for _ in range(rng.integers(smallest, smallest + 5))]
            optimizer.tell(architectures, [float(-a.indices[3]) for a in architectures])
        assert optimizer.best()["depth"] == 5

    def test_the_smallest_tell(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        n = optimizer.smallest_tell
        optimizer.tell(optimizer.ask(n), [0.1 * i for i in range(n)])
        architectures = optimizer.ask(n)[1:]
        with unchanged(optimizer), refusal(OptimizerError):
            optimizer.tell(architectures, [0.1] * (n - 1))

    def test_measures_are_finite_numbers_of_the_same_names(self, make: Make) -> None:
        optimizer, restored = make(SPACE, 3), make(SPACE, 99)
        names = list(optimizer.measures())
        for _ in range(5):
            advance(optimizer, 1)
            with unchanged(optimizer):
                measures = optimizer.measures()
            assert list(measures) == names
            assert all(type(x) in (int, float) and math.isfinite(x) for x in measures.values())
        restored.load_state_dict(optimizer.state_dict())
        assert restored.measures() == optimizer.measures()

    def test_all_variables_active_is_the_default(self, make: Make) -> None:
        told, told_active = make(SPACE, 3), make(SPACE, 3)
        architectures = told.ask(2)
        assert told_active.ask(2) == architectures
        told.tell(architectures, [0.1, 0.2])
        told_active.tell(architectures, [0.1, 0.2], active=np.ones((2, len(SPACE)), dtype=bool))
        assert saved(told_active) == saved(told)

    def test_best_changes_nothing(self, make: Make) -> None:
        optimizer = make(SPACE, 3)
        advance(optimizer, 5)
        with unchanged(optimizer):
            assert [optimizer.best() for _ in range(10)] == [optimizer.best()] * 10

    def test_the_seed_decides(self, make: Make) -> None:
        assert advance(make(SPACE, 3), 20) == advance(make(SPACE, 3), 20)
        assert advance(make(SPACE, 3), 20) != advance(make(SPACE, 4), 20)

    def test_optimizers_do_not_disturb_each_other(self, make: Make) -> None:
        alone, beside, other = make(SPACE, 3), make(SPACE, 3), make(SPACE, 4)
        for _ in range(10):
            expected = advance(alone, 1)
            advance(other, 1)
            assert advance(beside, 1) == expected

    def test_a_saved_state_continues_identically(self, make: Make) -> None:
        optimizer = make(SPACE, 3)
        advance(optimizer, 20)
        state = saved(optimizer)
        expected = advance(optimizer, 20)
        restored = make(SPACE, 99)
        restored.load_state_dict(json.loads(state))
        assert saved(restored) == state
        assert advance(restored, 20) == expected
        assert saved(restored) == saved(optimizer)

    def test_a_saved_state_does_not_change_afterwards(self, make: Make) -> None:
        optimizer = make(SPACE, 3)
        state = optimizer.state_dict()
        before = json.dumps(state)
        advance(optimizer, 5)
        assert json.dumps(state) == before

    @pytest.mark.parametrize("n", [0, -1, 1.5])
    def test_asking_for_no_number_of_architectures(self, make: Make, n: Any) -> None:
        optimizer = make(SPACE, 0)
        with unchanged(optimizer), refusal(OptimizerError):
            optimizer.ask(n)

    @pytest.mark.parametrize(
        "losses", LOSSES_THAT_DO_NOT_FIT.values(), ids=LOSSES_THAT_DO_NOT_FIT.keys()
    )
    def test_losses_that_do_not_fit(self, make: Make, losses: Any) -> None:
        optimizer = make(SPACE, 0)
        with unchanged(optimizer), refusal(OptimizerError):
            optimizer.tell([SPACE.architecture([0, 0, 0, 0])] * 2, losses)

    def test_architectures_that_do_not_fit(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        a, other = SPACE.architecture([0, 0, 0, 0]), OTHER.architecture([0, 0, 0, 0])
        unfit: list[list[Any]] = [[a, other], [a, a.to_dict()], []]
        for architectures in unfit:
            with unchanged(optimizer), refusal(OptimizerError):
                optimizer.tell(architectures, [0.1, 0.2][: len(architectures)])

    def test_some_losses_that_are_not_finite_rank_worst(self, make: Make) -> None:
        bad, good = SPACE.architecture([0, 1, 0, 0]), SPACE.architecture([1, 0, 0, 5])
        for architectures in ([bad, good], [good, bad]):
            optimizer = make(SPACE, 0)
            for value in (math.nan, math.inf, -math.inf):
                optimizer.tell(architectures, [value if a == bad else 1e300 for a in architectures])
            assert optimizer.best() == good

    def test_no_loss_that_is_finite(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        advance(optimizer, 3)
        architectures = SPACE.architectures([[1, 0, 0, 4], [2, 1, 0, 5]])
        with unchanged(optimizer), refusal(NonFiniteLossError):
            optimizer.tell(architectures, np.array([math.nan, math.inf]))

    def test_a_state_of_another_space(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        with unchanged(optimizer), refusal(OptimizerError):
            optimizer.load_state_dict(make(OTHER, 0).state_dict())

    def test_a_state_with_a_part_missing(self, make: Make) -> None:
        optimizer = make(SPACE, 0)
        advance(optimizer, 3)
        whole = optimizer.state_dict()
        fresh = make(SPACE, 7)
        for key in whole:
            with unchanged(fresh), refusal(OptimizerError):
                fresh.load_state_dict({k: v for k, v in whole.items() if k != key})


def advance(optimizer: Optimizer, steps: int) -> list[list[int]]:
    """The indices asked for in some steps of a search, and of the best at the end."""
    asked = []
    for _ in range(steps):
        architectures = optimizer.ask()
        asked += [a.indices.tolist() for a in architectures]
        optimizer.tell(architectures, [math.sin(a.indices @ [1, 2, 3, 4]) for a in architectures])
    return [*asked, optimizer.best().indices.tolist()]


def saved(optimizer: Optimizer) -> str:
    """The state as text."""
    return json.dumps(optimizer.state_dict())


@contextmanager
def unchanged(optimizer: Optimizer) -> Iterator[None]:
    """Checks that the state afterwards is that of before."""
    before = saved(optimizer)
    yield
    assert saved(optimizer) == before
