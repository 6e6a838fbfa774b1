"""What is made of what a user gives to a search."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from pdas.searches.halves import both_halves
from pdas.support.errors import SettingError

X, Y = torch.randn(30, 3), torch.arange(30)


class OneByOne(Dataset[Any]):
    """The same examples, of which nobody knows that they are rows of tensors."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, index: int) -> Any:
        return self._inner[index]


def passes(loader: Any) -> list[list[Tensor]]:
    return [batch for _ in range(2) for batch in loader]


def equal(found: list[list[Tensor]], expected: list[list[Tensor]]) -> bool:
    return len(found) == len(expected) and all(
        type(a) is type(b) is list and len(a) == len(b) and all(map(torch.equal, a, b))
        for a, b in zip(found, expected, strict=True)
    )


class Alone:
    """The same, of a class that inherits from nothing."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    __len__ = OneByOne.__len__
    __getitem__ = OneByOne.__getitem__


WHOLE = TensorDataset(X, Y)
PARTS = Subset(WHOLE, [3, 1, 28, 7, 9, 11, 0, 2]), TensorDataset(X[:9], Y[:9])


@pytest.mark.parametrize(
    ("tensors", "one_by_one"),
    [
        (whole, other)
        for kind in (OneByOne, Alone, lambda data: [data[i] for i in range(len(data))])
        for whole, other in ((WHOLE, kind(WHOLE)), (PARTS, tuple(map(kind, PARTS))))
    ],
)
def test_rows_a_batch_at_a_time_are_the_same_as_one_by_one(tensors: Any, one_by_one: Any) -> None:
    found, expected = both_halves(tensors, 4, 3), both_halves(one_by_one, 4, 3)
    for fast, slow in zip(found, expected, strict=True):
        assert len(fast) == len(slow) > 1
        assert equal(passes(fast), passes(slow))


def test_every_example_of_a_half_comes_once_in_a_pass() -> None:
    halves = [sorted(int(y) for _, ys in half for y in ys) for half in both_halves(WHOLE, 5, 0)]
    assert sorted(halves[0] + halves[1]) == list(range(30))


def test_a_subset_of_a_subset_and_rows_that_are_transformed_are_taken_one_by_one() -> None:
    class Shifted(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            return tuple(tensor + 100 for tensor in super().__getitem__(index))

    inner = Subset(Subset(WHOLE, range(10, 30)), range(10))
    for half, labels in zip(
        both_halves((inner, Shifted(X[:5], Y[:5])), 5, 0),
        (range(10, 20), range(100, 105)),
        strict=True,
    ):
        assert sorted(int(y) for _, ys in half for y in ys) == list(labels)


def test_what_is_changed_in_a_batch_is_not_changed_in_the_data() -> None:
    before = X.clone()
    for half in both_halves(WHOLE, 5, 0):
        for x, _ in half:
            x.zero_()
    assert torch.equal(X, before)


def test_a_half_of_examples_goes_with_one_of_batches() -> None:
    batches = DataLoader(WHOLE, 7)
    first, second = both_halves(([(x, 0) for x in X], batches), 10, 0)
    assert [tuple(x.shape) for x, _ in first] == [(10, 3)] * 3 and second is batches
    assert not torch.equal(torch.cat([x for x, _ in first]), X)  # in another order


@pytest.mark.parametrize("size", [0, 9, 10])
def test_a_batch_is_at_most_as_large_as_each_half(size: int) -> None:
    with pytest.raises(SettingError, match=f"batch_size: found {size}, expected 1 to [89], the"):
        both_halves((Alone(PARTS[1]), Alone(PARTS[0])), size, 0)
