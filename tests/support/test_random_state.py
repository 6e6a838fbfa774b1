"""The state of all random generators, there and back."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import torch

from pdas.support.random_state import random_state, set_random_state


def draws(generator: torch.Generator) -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),  # keeps a second one for later
        float(np.random.rand()),
        float(np.random.randn()),  # so does this
        float(torch.rand(())),
        float(torch.randn(())),
        float(torch.rand((), generator=generator)),
    ]


def test_draws_go_on_from_a_state_also_after_a_file() -> None:
    generator = torch.Generator().manual_seed(3)
    draws(generator)
    file = io.BytesIO()
    torch.save(random_state([generator]), file)
    expected = [draws(generator) for _ in range(3)]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    generator.manual_seed(1)
    file.seek(0)
    set_random_state(torch.load(file, weights_only=True), [generator])
    assert [draws(generator) for _ in range(3)] == expected


@pytest.mark.parametrize("name", ["python", "numpy"])
def test_a_state_that_stands_for_more_than_there_is_memory_for_is_refused(name: str) -> None:
    state = random_state()
    endless = torch.zeros(1, dtype=torch.int64).expand(10**13)
    before, _, *rest = state[name]
    state[name] = (before, endless, *rest)
    with pytest.raises(ValueError, match="a generator of 10000000000000 numbers"):
        set_random_state(state)
