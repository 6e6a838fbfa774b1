"""No number of a state is taken that `state_dict` could not have given; nothing else changes."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from pdas import PDAS, Limit, Penalty, SearchSpace
from pdas.cost import ProductCost
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised
from pdas.methods.evolution.optimizer import Evolution
from pdas.methods.optimizer import Optimizer
from pdas.methods.uniform import Uniform
from pdas.support.errors import OptimizerError
from tests.strangers.evolution import RegularisedEvolution

SPACE = SearchSpace({"op": ["a", "b", "c"], "width": [1, 2]})
COST = ProductCost.from_table(SPACE, {"width": {1: 1.0, 2: 2.0}})
SMALL = {
    "nao": {"seeds": 3, "new": 2, "top": 2, "fit_epochs": 1},
    "nao-ws": {"pool": 4, "fit_epochs": 1},
}


def by_name(name: str) -> Any:
    """The optimizer of a method."""
    settings = METHODS[name].model_validate({"name": name, **SMALL.get(name, {})})
    return settings.build(MethodRequest(SPACE, seed=0, samples=1))


OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "adaptive": lambda: PDAS(SPACE),
    "fixed": lambda: PDAS(SPACE, eta="fixed"),
    "limited": lambda: Limited(PDAS(SPACE), Limit(COST, 2.0)),
    "penalised": lambda: Penalised(PDAS(SPACE), Penalty(COST, 1.0, 0.1)),
    "evolution": lambda: RegularisedEvolution(SPACE, population=3, sample=2),
    "limited evolution": lambda: Limited(
        RegularisedEvolution(SPACE, population=3, sample=2), Limit(COST, 2.0)
    ),
    "regularised": lambda: Evolution(SPACE, population=3, tournament=2),
    "uniform": lambda: Uniform(SPACE),
    **{
        name: partial(by_name, name)
        for name in ("enas", "nas", "nasnet", "nao", "nao-ws", "renas-like")
    },
}
WRONG: list[Any] = [math.nan, math.inf, -math.inf, -1, -1.0, 10**400, "x", None, [], {}]
Place = tuple[Any, ...]


def places(state: Any, place: Place = ()) -> Iterator[Place]:
    """Where the numbers of a state are, but for those of the random generator and of the space."""
    if isinstance(state, dict | list):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        for key, value in items:
            if key not in ("random", "space"):
                yield from places(value, (*place, key))
    elif isinstance(state, int | float):
        yield place


def replaced(state: Any, place: Place, value: Any) -> Any:
    changed = copy.deepcopy(state)
    *groups, last = place
    level = changed
    for key in groups:
        level = level[key]
    level[last] = value
    return changed


def after_steps(name: str) -> Optimizer:
    optimizer = OPTIMIZERS[name]()
    for step in range(5):
        asked = optimizer.ask(2)
        optimizer.tell(asked, [step, step + 0.5])
    return optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_broken_number_is_taken(name: str) -> None:
    optimizer = after_steps(name)
    state = json.loads(json.dumps(optimizer.state_dict()))
    found = list(places(state))
    assert found
    for place in found:
        for value in WRONG:
            if _is_possible(place, value):
                continue
            with pytest.raises(OptimizerError) as error:
                optimizer.load_state_dict(replaced(state, place, value))
            assert str(error.value).isprintable(), (place, value)
            assert optimizer.state_dict() == state, (place, value)


def _is_possible(place: Place, value: Any) -> bool:
    """Losses, baselines and s may be below 0, and a loss of evolution's population infinite."""
    if place[-1] == "loss" and place[0] in ("members", "births"):
        return value is None or bool(value == -1)  # of one that failed
    if place[-1] in ("loss", "baseline") or "s" in place:
        return bool(value == -1)
    if place[-2:] == ("best", 1) or (place[-1] == 1 and place[-3:-2] == ("living",)):
        return isinstance(value, float) and not math.isnan(value)
    return False


ETAS = [0, 0.0, 5e-324, 0.9, 1, True]


@pytest.mark.parametrize("eta", ETAS)
def test_an_eta_that_theta_could_not_learn_with_is_refused(eta: float) -> None:
    optimizer = after_steps("adaptive")
    state = optimizer.state_dict()
    with pytest.raises(OptimizerError, match="eta is"):
        optimizer.load_state_dict(replaced(state, ("eta", "eta"), eta))
    assert optimizer.state_dict() == state


@pytest.mark.parametrize(
    "theta", [[1.0, 0.0, 0.0], [0.5, 0.4, 0.2], [0.5, 0.5], [0.2] * 5, [[0.3, 0.3, 0.4]], 1.0]
)
def test_a_theta_out_of_the_simplex_or_below_its_bounds_is_refused(theta: Any) -> None:
    optimizer = after_steps("adaptive")
    state = optimizer.state_dict()
    with pytest.raises(OptimizerError):
        optimizer.load_state_dict(replaced(state, ("theta", "op"), theta))
    assert optimizer.state_dict() == state


@pytest.mark.parametrize("s", [[], [[0.0]], np.zeros((2, 4)).tolist(), 0.0, [[1, 2, 3], [1]]])
def test_an_s_of_another_shape_is_refused(s: Any) -> None:
    optimizer = after_steps("adaptive")
    state = optimizer.state_dict()
    with pytest.raises(OptimizerError):
        optimizer.load_state_dict(replaced(state, ("eta", "s"), s))
    assert optimizer.state_dict() == state


@pytest.mark.parametrize(
    "random",
    [
        None,
        {},
        {"bit_generator": "MT19937"},
        {"bit_generator": "PCG64", "state": {"state": -1, "inc": 10**400}},
        {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 10**400},
    ],
)
def test_a_broken_random_generator_is_refused(random: Any) -> None:
    for name in ("adaptive", "evolution"):
        optimizer = after_steps(name)
        state = optimizer.state_dict()
        with pytest.raises(OptimizerError):
            optimizer.load_state_dict({**state, "random": random})
        assert optimizer.state_dict() == state


@pytest.mark.parametrize("state", [None, [], 1, "x", {}, {"space": None}])
def test_what_is_no_state_is_refused(state: Any) -> None:
    for name, make in OPTIMIZERS.items():
        with pytest.raises(OptimizerError):
            make().load_state_dict(state)
        assert name
