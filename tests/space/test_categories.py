from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pdas.space import SearchSpace
from pdas.space.categories import first_least, starts, theta_of
from pdas.support.errors import OptimizerError

SPACE = SearchSpace({"a": [1, 2], "b": [1, 2, 3]})


@pytest.mark.parametrize("seed", range(5))
def test_the_first_of_the_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, 30)
    values = rng.choice([-np.inf, 0.0, 1.0, np.inf], sizes.sum())
    rows = np.split(values, starts(sizes)[1:])
    assert [len(row) for row in rows] == sizes.tolist()
    assert first_least(values, sizes).tolist() == [row.argmin() for row in rows]


def test_theta_of_an_optimizer() -> None:
    assert theta_of(SimpleNamespace(), SPACE) is None
    theta = np.array([0.5, 0.5, 0.2, 0.3, 0.5])
    assert theta_of(SimpleNamespace(theta_array=theta), SPACE) is theta


def test_a_theta_with_padding_is_refused() -> None:
    with pytest.raises(OptimizerError, match=r"found shape \(2, 3\), expected \(5,\)"):
        theta_of(SimpleNamespace(theta_array=np.ones((2, 3))), SPACE)
