"""Buffers that a `state_dict` leaves out, and random generators of modules, are kept too."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.resume.unsaved import Unsaved


class Noisy(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(2), persistent=False)
        self.register_buffer("cache", None, persistent=False)
        self.torch = torch.Generator().manual_seed(seed)
        self.numpy = np.random.default_rng(seed)
        self.old = np.random.RandomState(seed)
        self.mersenne = np.random.Generator(np.random.MT19937(seed))
        self.python = random.Random(seed)

    def forward(self) -> list[float]:
        self.seen += 1
        self.cache = torch.cat([self.cache, self.seen]) if self.cache is not None else self.seen + 0
        drawn = (
            self.numpy.normal(),
            self.old.normal(),
            self.mersenne.random(),
            self.python.gauss(),
        )
        return [float(torch.rand((), generator=self.torch)), *drawn, *self.cache.tolist()]


def stored(state: dict[str, Any]) -> dict[str, Any]:
    """As a checkpoint gives it back."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


def test_a_module_continues_where_it_was() -> None:
    first, second = nn.Sequential(Noisy(0)), nn.Sequential(Noisy(1))
    first[0]()
    shared: Tensor = second[0].seen  # another module may refer to it
    Unsaved(second).load_state_dict(stored(Unsaved(first).state_dict()))
    assert [first[0](), first[0]()] == [second[0](), second[0]()]
    assert torch.equal(shared, first[0].seen)


def test_what_a_state_dict_has_is_not_kept_twice() -> None:
    state = Unsaved(nn.BatchNorm1d(2)).state_dict()
    assert state == {"buffers": {}, "generators": {}}


def test_another_module_is_named() -> None:
    with pytest.raises(ValueError, match=r"had the buffers \['cache', 'seen'\], and now has \[\]"):
        Unsaved(nn.Linear(1, 1)).load_state_dict(Unsaved(Noisy(0)).state_dict())
