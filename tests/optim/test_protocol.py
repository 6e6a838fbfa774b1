"""What every optimizer must do. To check another one, add it to OPTIMIZERS."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from pdas.cost import ProductCost, Term
from pdas.errors import NonFiniteLossError, OptimizerError
from pdas.optim import PDAS, Limit, Limited, Optimizer, Penalised, Penalty
from pdas.space import SearchSpace

SPACE = SearchSpace(
    {"op": ("conv3", "conv5", "skip"), "width": (64, 128), "one": ("only",), "depth": range(6)}
)
OTHER = SearchSpace({**SPACE, "width": (64, 256)})


def size(space: SearchSpace) -> ProductCost:
    """The sum of the indices: from 0 to 8."""
    return ProductCost(space, [Term(1.0, {i: np.arange(K)}) for i, K in enumerate(space.sizes)])


Make = Callable[[SearchSpace, int], Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "adaptive": lambda space, seed: PDAS(space, seed=seed),
    "fixed": lambda space, seed: PDAS(space, seed=seed, learning_rate="fixed"),
    "eight samples": lambda space, seed: PDAS(space, seed=seed, samples=8),
    "limited": lambda space, seed: Limited(PDAS(space, seed=seed), Limit(size(space), 6.0)),
    "penalised": lambda space, seed: Penalised(
        PDAS(space, seed=seed), Penalty(size(space), target=5.0, weight=0.1)
    ),
}


@pytest.fixture(params=OPTIMIZERS)
def make(request: pytest.FixtureRequest) -> Make:
    return OPTIMIZERS[request.param]


def advance(optimizer: Optimizer, steps: int) -> list[list[int]]:
    """The indices asked for in some steps of a search, and of the best at the end."""
    asked = []
    for _ in range(steps):
        architectures = optimizer.ask()
        asked += [a.indices.tolist() for a in architectures]
        optimizer.tell(architectures, [math.sin(a.indices @ [1, 2, 3, 4]) for a in architectures])
    return [*asked, optimizer.best().indices.tolist()]


def test_ask_gives_architectures_of_the_space(make: Make) -> None:
    optimizer = make(SPACE, 0)
    assert optimizer.space == SPACE
    assert len(optimizer.ask()) >= 2
    assert [len(optimizer.ask(n)) for n in (1, 2, 7)] == [1, 2, 7]
    assert all(a.space == SPACE for a in optimizer.ask(5))
    assert optimizer.best().space == SPACE


def test_every_category_is_asked_for(make: Make) -> None:
    asked = np.array([a.indices for a in make(SPACE, 0).ask(300)])
    for column, K in zip(asked.T, SPACE.sizes, strict=True):
        assert set(column.tolist()) == set(range(K))


def test_it_finds_the_best_of_a_small_space(make: Make) -> None:
    optimizer = make(SPACE, 0)
    target = SPACE.architecture([2, 0, 0, 3]).indices
    for _ in range(600):
        architectures = optimizer.ask()
        optimizer.tell(architectures, [np.sum(a.indices != target) for a in architectures])
    assert optimizer.best().indices.tolist() == target.tolist()


def test_it_learns_from_architectures_of_elsewhere(make: Make) -> None:
    """Any number of them from two on, made by a space that is only equal."""
    rng = np.random.default_rng(0)
    twin = SearchSpace(SPACE.to_dict())
    optimizer = make(SPACE, 0)
    for _ in range(400):
        architectures = [twin.uniform(rng) for _ in range(rng.integers(2, 7))]
        optimizer.tell(architectures, [float(-a.indices[3]) for a in architectures])
    assert optimizer.best()["depth"] == 5


def test_the_seed_decides(make: Make) -> None:
    assert advance(make(SPACE, 3), 20) == advance(make(SPACE, 3), 20)
    assert advance(make(SPACE, 3), 20) != advance(make(SPACE, 4), 20)


def test_a_saved_state_goes_on_identically(make: Make) -> None:
    optimizer = make(SPACE, 3)
    advance(optimizer, 20)
    saved = json.dumps(optimizer.state_dict())
    expected = advance(optimizer, 20)
    restored = make(SPACE, 99)
    restored.load_state_dict(json.loads(saved))
    assert json.dumps(restored.state_dict()) == saved
    assert advance(restored, 20) == expected
    assert restored.state_dict() == optimizer.state_dict()


def test_a_saved_state_does_not_change_afterwards(make: Make) -> None:
    optimizer = make(SPACE, 3)
    state = optimizer.state_dict()
    saved = json.dumps(state)
    advance(optimizer, 5)
    assert json.dumps(state) == saved


def test_asking_for_nothing(make: Make) -> None:
    with pytest.raises(OptimizerError, match="n = 0, expected an integer of at least 1"):
        make(SPACE, 0).ask(0)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.1], r"shape \(1,\) for 2 architectures, expected \(2,\)"),
        ([0.1, 0.2, 0.3], r"shape \(3,\) for 2 architectures"),
        ([[0.1], [0.2]], r"shape \(2, 1\)"),
        (0.1, r"shape \(\)"),
        (["a", "b"], "no plain numbers"),
        ([[0.1], [0.2, 0.3]], "no plain numbers"),
    ],
)
def test_losses_that_do_not_fit(make: Make, losses: object, message: str) -> None:
    optimizer = make(SPACE, 0)
    before = optimizer.state_dict()
    with pytest.raises(OptimizerError, match=message) as caught:
        optimizer.tell([SPACE.architecture([0, 0, 0, 0])] * 2, losses)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert optimizer.state_dict() == before


def test_architectures_that_do_not_fit(make: Make) -> None:
    optimizer = make(SPACE, 0)
    a, b = SPACE.architecture([0, 0, 0, 0]), OTHER.architecture([0, 0, 0, 0])
    with pytest.raises(OptimizerError, match="not an architecture of this optimizer's space"):
        optimizer.tell([a, b], [0.1, 0.2])
    with pytest.raises(OptimizerError, match="not an architecture of this optimizer's space"):
        optimizer.tell([a, dict(a)], [0.1, 0.2])  # type: ignore[list-item]
    with pytest.raises(OptimizerError, match=r"found 1 architectures, expected at least 2.*; tell"):
        optimizer.tell([a], [0.1])


def test_some_losses_that_are_not_finite_rank_worst(make: Make) -> None:
    optimizer = make(SPACE, 0)
    bad, good = SPACE.architecture([0, 1, 0, 0]), SPACE.architecture([1, 0, 0, 5])
    for value in (math.nan, math.inf, -math.inf):
        optimizer.tell([bad, good], [value, 1e300])
    assert optimizer.best() == good


def test_no_loss_that_is_finite(make: Make) -> None:
    optimizer = make(SPACE, 0)
    advance(optimizer, 3)
    before = optimizer.state_dict()
    with pytest.raises(NonFiniteLossError, match="step 4") as caught:
        optimizer.tell(
            SPACE.architectures([[1, 0, 0, 4], [2, 1, 0, 5]]), np.array([math.nan, math.inf])
        )
    assert "[[1, 0, 0, 4], [2, 1, 0, 5]]" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert optimizer.state_dict() == before


def test_a_state_of_another_space(make: Make) -> None:
    optimizer = make(SPACE, 0)
    before = optimizer.state_dict()
    with pytest.raises(OptimizerError, match="another search space"):
        optimizer.load_state_dict(make(OTHER, 0).state_dict())
    assert optimizer.state_dict() == before


def test_a_state_with_a_part_missing(make: Make) -> None:
    optimizer = make(SPACE, 0)
    advance(optimizer, 3)
    whole = optimizer.state_dict()
    fresh = make(SPACE, 7)
    before = fresh.state_dict()
    for key in whole:
        with pytest.raises(OptimizerError, match="load_state_dict"):
            fresh.load_state_dict({k: v for k, v in whole.items() if k != key})
    assert fresh.state_dict() == before
