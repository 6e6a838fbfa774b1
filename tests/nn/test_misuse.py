"""A choice where PyTorch expects a number: the layer is named, and what to use instead."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

import pdas.nn as P
from pdas.nn import Value
from pdas.support.errors import NetworkError


def w() -> Value:
    return Value("w", [2, 4])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(3, w()), r"nn\.Linear: found Value 'w' as an .* use pdas\.nn\.Linear"),
        (lambda: nn.Linear(w(), 3), r"nn\.Linear: .* use pdas\.nn\.Linear, which takes choices"),
        (lambda: nn.Linear(3, 2 * w()), r"nn\.Linear: found 2 \* w as an argument"),
        (lambda: nn.Conv2d(3, w(), 3), r"nn\.Conv2d: .* use pdas\.nn\.Conv2d"),
        (lambda: nn.Conv2d(3, 4, w()), r"nn\.Conv2d: .* use pdas\.nn\.Conv2d"),
        (lambda: nn.BatchNorm2d(w()), r"nn\.BatchNorm2d: .* use pdas\.nn\.BatchNorm2d"),
        (lambda: nn.LayerNorm(w()), r"nn\.LayerNorm: .* use pdas\.nn\.LayerNorm"),
        (lambda: nn.GroupNorm(2, w()), r"nn\.GroupNorm: .* use pdas\.nn\.GroupNorm"),
        (lambda: nn.Embedding(9, w()), r"nn\.Embedding: .* use pdas\.nn\.Embedding"),
        (lambda: nn.MultiheadAttention(w(), 2), r"use pdas\.nn\.MultiheadAttention"),
        (lambda: nn.Dropout(w()), r"nn\.Dropout: .* read `\.value` in a forward of your own"),
        (lambda: nn.LSTM(64, w()), r"nn\.LSTM: .* use pdas\.nn\.LSTM"),
        (lambda: nn.GRU(w(), 3), r"nn\.GRU: .* use pdas\.nn\.GRU"),
        (lambda: nn.MaxPool2d(w())(torch.ones(1, 4, 4)), r"nn\.MaxPool2d: .* pdas\.nn\.Choice"),
        (lambda: P.ConvTranspose2d(3, 4, w()), r"ConvTranspose2d: kernel_size: found Value 'w'"),
        (lambda: torch.zeros(w()), r"Value 'w': found it compared or computed with"),
        (lambda: w() < 3, r"Value 'w': .* read `\.value`"),
        (lambda: w() == 3, r"Value 'w': .* read `\.value`"),
        (lambda: bool(w()), r"Value 'w': .* read `\.value`"),
        (lambda: 1 - 2 * w(), r"2 \* w: .* read `\.value`"),
        (lambda: [0, 1, 2][: w()], r"Value 'w': .* read `\.value`"),
    ],
)
def test_it_is_a_sentence(make: Callable[[], object], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make()


def test_what_it_still_does() -> None:
    width = w()
    assert width == width
    assert width != w()
    assert {width: 1}[width] == 1
    assert width in [w(), width]
    for copied in (copy.deepcopy(width), pickle.loads(pickle.dumps(2 * width + 1))):
        assert P.widest(copied) in (4, 9)
    module = nn.ModuleList([width])
    assert list(module.modules())[1] is width
    assert "Value('w', [2, 4])" in repr(module)
