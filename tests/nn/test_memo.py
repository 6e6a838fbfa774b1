"""Computing only once."""

from __future__ import annotations

import torch
from torch import Tensor

from pdas.nn.memo import Memo


def test_equal_calls_are_computed_once_and_others_are_not() -> None:
    calls: list[tuple[Tensor, int]] = []

    def scaled(x: Tensor, factor: int) -> Tensor:
        calls.append((x, factor))
        return factor * x

    memo, x, y = Memo(), torch.ones(2), torch.ones(2)
    first = memo(scaled, x, 2)
    assert memo(scaled, x, 2) is first and len(calls) == 1
    assert memo(scaled, x, 3) is not first  # another value
    assert memo(scaled, y, 2) is not first  # another tensor of the same values
    assert memo(torch.mul, x, 2) is not first  # another function
    assert len(calls) == 3
    assert Memo()(scaled, x, 2) is not first


def test_a_tensor_that_is_gone_is_not_taken_for_a_new_one() -> None:
    memo = Memo()
    for value in range(100):  # each is made where the one before would have been freed
        assert float(memo(torch.neg, torch.full((1,), float(value)))) == -value
