"""Data sets as batches: in a random order without the rest, or in their own with it."""

from __future__ import annotations

import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from pdas.resume.data_sets import ordered_batches, shuffled_batches

X, Y = torch.arange(10.0).view(10, 1), torch.arange(10)


class Pairs(Dataset[tuple[torch.Tensor, int]]):
    """The same examples, one by one."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return X[index], index


NESTED = Subset(Subset(TensorDataset(X.repeat(2, 1), Y.repeat(2)), range(5, 20)), range(5, 15))
DATA = [
    TensorDataset(X, Y),
    Subset(TensorDataset(X.flip(0), Y.flip(0)), range(9, -1, -1)),
    NESTED,
    Pairs(),
]


def test_kinds_of_data_sets_have_the_same_batches() -> None:
    for make in (ordered_batches, lambda data, size: shuffled(data, size)):
        found = [list(make(data, 4)) for data in DATA]
        for batches in found[1:]:
            for (x, y), (x0, y0) in zip(batches, found[0], strict=True):
                assert torch.equal(x, x0) and torch.equal(y, y0)


def shuffled(data: Dataset[object], size: int) -> list[list[torch.Tensor]]:
    return list(shuffled_batches(data, size, torch.Generator().manual_seed(0)))


def test_an_order_of_its_own_keeps_the_rest_and_a_random_one_drops_it() -> None:
    in_order = [y.tolist() for _, y in ordered_batches(DATA[0], 4)]
    assert in_order == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    drawn = [y.tolist() for _, y in shuffled(DATA[0], 4)]
    assert [len(y) for y in drawn] == [4, 4] and drawn != in_order[:2]
    assert len({*drawn[0], *drawn[1]}) == 8


def test_every_pass_has_another_order() -> None:
    loader = shuffled_batches(DATA[0], 5, torch.Generator().manual_seed(0))
    one, other = ([y.tolist() for _, y in loader] for _ in range(2))
    assert one != other
