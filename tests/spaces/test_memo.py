"""Computing only once."""

from __future__ import annotations

import torch
from torch import Tensor

from pdas.spaces.memo import Once


def test_equal_calls_are_computed_once_and_others_are_not() -> None:
    calls: list[tuple[Tensor, int]] = []

    def scaled(x: Tensor, factor: int) -> Tensor:
        calls.append((x, factor))
        return factor * x

    once, x, y = Once(), torch.ones(2), torch.ones(2)
    first = once(scaled, x, 2)
    assert once(scaled, x, 2) is first and len(calls) == 1
    assert once(scaled, x, 3) is not first  # another value
    assert once(scaled, y, 2) is not first  # another tensor of the same values
    assert once(torch.mul, x, 2) is not first  # another function
    assert len(calls) == 3
    assert Once()(scaled, x, 2) is not first


def test_a_tensor_that_is_gone_is_not_taken_for_a_new_one() -> None:
    once = Once()
    for value in range(100):  # each is made where the one before would have been freed
        assert float(once(torch.neg, torch.full((1,), float(value)))) == -value
