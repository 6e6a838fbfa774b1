"""Computing only once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pdas.nn.memo import Memo
from pdas.support.errors import NetworkError


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


@pytest.mark.parametrize(
    ("function", "name"),
    [(nn.ReLU(inplace=True), "ReLU"), (torch.relu_, "relu_"), (lambda x: x[0].zero_(), "<lambda>")],
)
def test_a_function_may_not_work_in_place(function: Callable[[Tensor], Tensor], name: str) -> None:
    """Other functions, of this architecture or another one, read the same tensor."""
    memo, x = Memo(), torch.tensor([[-1.0, 1.0]])
    with pytest.raises(NetworkError, match=rf"^{name}: found its input changed in place"):
        memo(function, x)


def test_in_inference_mode_too_it_computes() -> None:
    with torch.inference_mode():
        assert float(Memo()(torch.neg, torch.ones(1))) == -1.0
