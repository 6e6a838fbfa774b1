from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import SettingError, SpaceError

SPACE = SearchSpace({"op": tuple("abcd"), "one": (1,), "width": (1, 2, 3), "pool": (False, True)})


def test_initial_probabilities_are_taken() -> None:
    initial = {
        "op": [0.15, 0.2, 0.25, 0.4],
        "one": [1],
        "width": np.array([0.5, 0.25, 0.25]),
        "pool": (0.3, 0.7),
    }
    optimizer = PDAS(SPACE, initial=initial)
    for name, probabilities in initial.items():
        np.testing.assert_allclose(optimizer.theta[name], probabilities, atol=1e-15)
    assert optimizer.best().to_dict() == {"op": "d", "one": 1, "width": 1, "pool": True}


def test_initial_probabilities_are_brought_above_the_bounds() -> None:
    space = SearchSpace({f"v{i}": tuple("abc") for i in range(10)})
    optimizer = PDAS(space, initial={name: [1, 0, 0] for name in space})
    for row in optimizer.theta.values():
        np.testing.assert_allclose(row, [0.9, 0.05, 0.05])  # 1 / (10 * 2)


def test_an_architecture_has_its_confidence() -> None:
    architecture = SPACE.architecture({"op": "c", "one": 1, "width": 3, "pool": True})
    optimizer = PDAS(SPACE, initial=architecture)
    assert optimizer.theta["op"] == pytest.approx([1 / 8, 1 / 8, 5 / 8, 1 / 8])
    assert optimizer.theta["pool"] == pytest.approx([1 / 4, 3 / 4])
    assert optimizer.theta["one"] == pytest.approx([1])
    assert optimizer.best() == architecture


def test_confidence_runs_from_uniform_to_the_bounds() -> None:
    architecture = SPACE.architecture([2, 0, 0, 1])
    none = PDAS(SPACE, initial=architecture, confidence=0)
    np.testing.assert_allclose(none.theta_array, PDAS(SPACE).theta_array, atol=1e-16)
    full = PDAS(SPACE, initial=architecture, confidence=1)
    assert min(full.theta["op"]) == pytest.approx(1 / (3 * 3))
    assert full.theta["op"].sum() == pytest.approx(1)


GOOD = {"op": [0.25] * 4, "one": [1.0], "width": [0.5, 0.5, 0.0], "pool": [0.5, 0.5]}
BAD: dict[str, Any] = {
    "a sum above one": {**GOOD, "pool": [0.5, 0.6]},
    "a sum below one": {**GOOD, "pool": [0.5, 0.4]},
    "too few": {**GOOD, "op": [0.5, 0.5]},
    "too many": {**GOOD, "pool": [0.5, 0.25, 0.25]},
    "negative": {**GOOD, "pool": [1.5, -0.5]},
    "NaN": {**GOOD, "pool": [math.nan, 1]},
    "infinite": {**GOOD, "pool": [math.inf, 0]},
    "no numbers": {**GOOD, "pool": ["a", "b"]},
    "a missing variable": {name: GOOD[name] for name in ("op", "one", "width")},
    "an unknown variable": {**GOOD, "x": [1.0]},
    "no mapping": [[0.25] * 4],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_probabilities(case: str) -> None:
    with pytest.raises(SpaceError, match="probabilities") as caught:
        PDAS(SPACE, initial=BAD[case])
    assert "\n" not in str(caught.value)


def test_the_variables_that_do_not_fit_are_named() -> None:
    mistyped = {name: GOOD[name] for name in ("op", "one", "width")} | {"pol": [0.5, 0.5]}
    with pytest.raises(SpaceError, match=r"missing 'pool' and unknown 'pol', expected"):
        PDAS(SPACE, initial=mistyped)
    with pytest.raises(SpaceError, match=r"found variables unknown 'x', expected .*; add"):
        PDAS(SPACE, initial=BAD["an unknown variable"])
    with pytest.raises(SpaceError, match=r"found list, expected a mapping"):
        PDAS(SPACE, initial=BAD["no mapping"])


def test_too_few_probabilities_say_what_to_give() -> None:
    with pytest.raises(SpaceError, match=r"'op'.*; give one for each of its categories"):
        PDAS(SPACE, initial=BAD["too few"])


def test_bad_architectures() -> None:
    other = SearchSpace({**SPACE, "one": (2,)})
    with pytest.raises(
        SpaceError, match=r"initial: found .*another search space, .*; make it with"
    ):
        PDAS(SPACE, initial=other.architecture([0, 0, 0, 0]))
    with pytest.raises(SettingError, match=r"confidence: found 1\.5"):
        PDAS(SPACE, initial=SPACE.architecture([0, 0, 0, 0]), confidence=1.5)
