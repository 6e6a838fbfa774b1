from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pdas.methods
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import OptimizerError, SettingError

SPACE = SearchSpace({f"v{i}": range(K) for i, K in enumerate([3, 5, 1, 2, 4, 5, 3, 2])})


def lower_bounds(space: SearchSpace) -> dict[str, float]:
    D = sum(len(labels) > 1 for labels in space.values())
    return {
        name: min(1 / (D * (len(labels) - 1)), 1 / (2 * len(labels))) if len(labels) > 1 else 1
        for name, labels in space.items()
    }


updates = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        st.lists(st.floats(), min_size=2, max_size=9).filter(lambda x: any(map(math.isfinite, x))),
        st.booleans(),
    ),
    max_size=30,
)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=10),
    updates,
    st.sampled_from(["adaptive", "fixed", 1.0, 5.0]),
)
def test_theta_stays_a_distribution_above_its_bounds(
    sizes: list[int], updates: list[tuple[int, list[float], bool]], eta: Any
) -> None:
    space = SearchSpace({f"v{i}": range(K) for i, K in enumerate(sizes)})
    optimizer = PDAS(space, eta=eta)
    start, bounds = optimizer.eta, lower_bounds(space)
    for seed, losses, masked in updates:
        rng = np.random.default_rng(seed)
        architectures = [space.uniform(rng) for _ in losses]
        active = rng.random((len(losses), len(space))) < 0.5 if masked else None
        optimizer.tell(architectures, losses, active)
        for name, row in optimizer.theta.items():
            assert row.sum() == pytest.approx(1, abs=1e-14)
            assert row.min() >= bounds[name]
        assert 0 < optimizer.eta <= start


def separable(noise: float, seed: int, steps: int) -> PDAS:
    """A search on the number of variables that differ from category 0, with Gaussian noise."""
    space = SearchSpace({f"v{i}": range(4) for i in range(10)})
    optimizer = PDAS(space, seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        pair = optimizer.ask()
        losses = [np.count_nonzero(a.indices) + noise * rng.normal() for a in pair]
        optimizer.tell(pair, losses)
        if noise == 0:
            assert optimizer.eta > 30**-0.5 / 10
    return optimizer


@pytest.mark.parametrize("seed", range(3))
def test_it_converges_without_noise_at_a_high_rate(seed: int) -> None:
    optimizer = separable(noise=0, seed=seed, steps=1000)
    assert optimizer.best().indices.tolist() == [0] * 10
    assert optimizer.convergence > 0.85  # the bounds allow 0.9


@pytest.mark.parametrize("seed", range(3))
def test_it_converges_under_noise_at_a_low_rate(seed: int) -> None:
    """The noise is three times the standard deviation of the objective over the space."""
    optimizer = separable(noise=4, seed=seed, steps=8000)
    assert optimizer.best().indices.tolist() == [0] * 10
    assert optimizer.convergence > 0.5
    assert optimizer.eta < 30**-0.5 / 10


def test_under_pure_noise_s_has_the_length_that_gamma_says_and_eta_shrinks() -> None:
    rng = np.random.default_rng(0)
    difference, rates = [], []
    for seed in range(300):
        optimizer = PDAS(SPACE, seed=seed)
        for _ in range(60):
            optimizer.tell(optimizer.ask(), rng.normal(size=2))
        rate = optimizer.state_dict()["eta"]
        difference.append(np.sum(np.square(rate["s"])) - rate["gamma"])
        rates.append(optimizer.eta)
    assert rate["gamma"] > 0.9
    assert abs(np.mean(difference)) < 4 * np.std(difference) / math.sqrt(len(difference))
    assert np.mean(rates) < 0.5 * 17**-0.5  # eta_max = n^(-1/2)


def test_equal_losses_change_nothing() -> None:
    optimizer = PDAS(SPACE, seed=1)
    optimizer.tell(optimizer.ask(), [1.0, 2.0])
    before = optimizer.state_dict()
    optimizer.tell(optimizer.ask(4), [-0.5] * 4)
    optimizer.tell(optimizer.ask(4), [math.nan, -0.5, -0.5, -0.5], np.zeros((4, 8), dtype=bool))
    after = optimizer.state_dict()
    for unchanged in ("theta", "eta"):
        assert after[unchanged] == before[unchanged]


def test_inactive_variables_do_not_learn() -> None:
    optimizer = PDAS(SPACE)
    a, b = SPACE.architecture([0] * 8), SPACE.architecture([1, 1, 0, 1, 1, 1, 1, 1])
    active = np.ones((2, 8), dtype=bool)
    active[:, 4] = False
    optimizer.tell([a, b], [0, 1], active)
    assert optimizer.theta["v4"].tolist() == pytest.approx([1 / 4] * 4)
    assert optimizer.theta["v5"][0] > 1 / 5 > optimizer.theta["v5"][1]


def test_variables_that_no_sample_uses_stay_as_they_are_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    optimizer, whole, masked = (PDAS(SPACE, seed=3) for _ in range(3))
    moved = 0
    for _ in range(200):
        pair, losses = optimizer.ask(), rng.random(2)
        active = rng.random((2, 8)) < 0.5
        before = optimizer.theta_array
        optimizer.tell(pair, losses, active)
        unused = np.repeat(~active.any(axis=0), SPACE.sizes)
        assert (optimizer.theta_array[unused] == before[unused]).all()
        moved += int((optimizer.theta_array[~unused] != before[~unused]).any())
        whole.tell(pair, losses)
        masked.tell(pair, losses, np.ones((2, 8), dtype=bool))
        assert masked.state_dict() == whole.state_dict()
    assert moved == 200


@pytest.mark.parametrize(
    ("active", "message"),
    [
        (np.ones((2, 7), dtype=bool), r"shape \(2, 7\) and type bool, expected \(2, 8\)"),
        (np.ones(8, dtype=bool), r"shape \(8,\)"),
        (np.ones((2, 8)), "type float64"),
    ],
)
def test_bad_masks(active: Any, message: str) -> None:
    optimizer = PDAS(SPACE)
    before = optimizer.state_dict()
    with pytest.raises(OptimizerError, match=message):
        optimizer.tell(optimizer.ask(), [1.0, 2.0], active)
    assert {**optimizer.state_dict(), "random": None} == {**before, "random": None}


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": -1},
        {"seed": 0.5},
        {"samples": 1},
        {"samples": 2.0},
        {"eta": "adaptative"},
        {"eta": 0},
        {"eta": math.nan},
        {"eta": None},
        {"alpha": 0},
        {"alpha": math.inf},
        {"alpha": "1.5"},
    ],
)
def test_bad_settings(bad: dict[str, Any]) -> None:
    (name,) = bad
    with pytest.raises(SettingError, match=f"{name}: found .*, expected") as caught:
        PDAS(SPACE, **bad)
    assert "\n" not in str(caught.value)


def test_the_papers_rates() -> None:
    assert PDAS(SPACE).eta == pytest.approx(17**-0.5)
    assert PDAS(SPACE, eta="fixed").eta == pytest.approx(1 / 17)
    assert PDAS(SPACE, eta=0.2).eta == 0.2


def test_what_it_shows() -> None:
    optimizer = PDAS(SPACE, seed=2)
    for _ in range(50):
        pair = optimizer.ask()
        optimizer.tell(pair, [float(a.indices.sum()) for a in pair])
    assert optimizer.theta_array.tolist() == np.concatenate([*optimizer.theta.values()]).tolist()
    most = [row.max() for row in optimizer.theta.values() if len(row) > 1]
    assert optimizer.convergence == pytest.approx(np.mean(most))
    for name, row in optimizer.theta.items():
        assert optimizer.entropy()[name] == pytest.approx(-(row * np.log(row)).sum())
        assert optimizer.best()[name] == row.argmax()
    architecture = optimizer.ask(1)[0]
    chosen = [row[architecture[name]] for name, row in optimizer.theta.items()]
    assert optimizer.log_probability(architecture) == pytest.approx(np.log(chosen).sum())


def test_its_measures_are_what_is_decided_convergence_and_eta() -> None:
    optimizer = PDAS(SPACE, seed=2)
    for _ in range(50):
        optimizer.tell(optimizer.ask(), [1.0, 2.0])
    measures = optimizer.measures()
    assert measures == {
        "decided": optimizer.decided,
        "convergence": optimizer.convergence,
        "eta": optimizer.eta,
    }
    assert optimizer.smallest_tell == 2


def test_what_it_shows_is_a_copy() -> None:
    optimizer = PDAS(SPACE)
    optimizer.theta["v0"][:] = 0
    optimizer.theta_array[:] = 0
    assert optimizer.theta["v0"].tolist() == pytest.approx([1 / 3] * 3)


def test_the_probability_of_an_architecture_of_another_space() -> None:
    other = SearchSpace({"x": (1, 2)})
    with pytest.raises(
        OptimizerError, match="log_probability: found an architecture of another search space"
    ):
        PDAS(SPACE).log_probability(other.architecture([0]))


def test_a_state_of_another_kind_of_eta() -> None:
    fixed = PDAS(SPACE, eta="fixed").state_dict()
    with pytest.raises(OptimizerError, match="eta is of another kind"):
        PDAS(SPACE).load_state_dict(fixed)


def test_a_state_that_is_damaged() -> None:
    optimizer = PDAS(SPACE)
    good = optimizer.state_dict()
    rate = good["eta"]
    for damage in (
        {"theta": {**good["theta"], "v0": [0.5, 0.1, 0.1]}},
        {"eta": {**rate, "s": [[0.0]]}},
        {"eta": {**rate, "eta": "high"}},
        {"random": {"bit_generator": "unknown"}},
        {"step": None},
    ):
        with pytest.raises(OptimizerError, match="load_state_dict"):
            optimizer.load_state_dict({**good, **damage})
    assert optimizer.state_dict() == good


PROGRAM = """
import json
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
space = SearchSpace({name: ("a", "b", "c", "d") for name in ("one", "two", "three")})
optimizer = PDAS(space, seed=5)
asked = []
for _ in range(50):
    pair = optimizer.ask()
    asked += [a.indices.tolist() for a in pair]
    optimizer.tell(pair, [sum(a.indices.tolist()) for a in pair])
print(json.dumps([asked, optimizer.state_dict()]))
"""


def test_fresh_processes_agree() -> None:
    source = str(Path(pdas.methods.__file__).parents[2])
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(json.loads(outputs[0])[0]) == 100
