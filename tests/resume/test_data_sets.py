"""Data sets as batches: in a random order without the rest, or in their own with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from pdas.resume.batches import ResumableBatches, one_pass
from pdas.resume.data_sets import checked_loader, data_set, ordered_batches, shuffled_batches
from pdas.support.errors import SettingError
from tests.standin.device import DEVICE, stand_in

X, Y = torch.arange(10.0).view(10, 1), torch.arange(10)


class Pairs(Dataset[tuple[torch.Tensor, int]]):
    """The same examples, one by one."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return X[index], index


class Alone:
    """A class that inherits from nothing."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return X[index], index


class Many(Alone):
    """As `datasets.Dataset` of Hugging Face: it iterates, and takes several indices at once."""

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(10))

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return [self[index] for index in indices]


NESTED = Subset(Subset(TensorDataset(X.repeat(2, 1), Y.repeat(2)), range(5, 20)), range(5, 15))
DATA: list[Any] = [
    TensorDataset(X, Y),
    Subset(TensorDataset(X.flip(0), Y.flip(0)), range(9, -1, -1)),
    NESTED,
    Pairs(),
    Alone(),
    Many(),
    [(X[index], index) for index in range(10)],
    tuple((X[index], index) for index in range(10)),
]


def test_kinds_of_data_sets_have_the_same_batches() -> None:
    assert all(data_set(data) is data for data in DATA)
    for make in (ordered_batches, lambda data, size: shuffled(data, size)):
        found = [list(make(data, 4)) for data in DATA]
        for batches in found[1:]:
            for (x, y), (x0, y0) in zip(batches, found[0], strict=True):
                assert torch.equal(x, x0) and torch.equal(y, y0)


def shuffled(data: Any, size: int) -> list[list[torch.Tensor]]:
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


class Stream(IterableDataset[Any]):
    """Examples in an order of their own, with a length or without."""

    def __iter__(self) -> Iterator[Any]:
        return ((X[index], index) for index in range(10))


class Sized(Stream):
    def __len__(self) -> int:
        return 10


def test_an_iterable_data_set_with_a_length_keeps_its_order() -> None:
    data = Sized()
    assert data_set(data) is data
    assert [y.tolist() for _, y in shuffled(data, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    loader = shuffled_batches(data, 4, torch.Generator())
    assert len(loader) == len(list(loader)) == 2
    assert [len(y) for _, y in ordered_batches(data, 4)] == [4, 4, 2]


class Batched:
    """A loader of one's own."""

    def __init__(self, *batches: int) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[int]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


class Once(Batched):
    """It says that it has batches, and can be iterated only once."""

    def __init__(self, *batches: int) -> None:
        super().__init__(*batches)
        self._all = iter(batches)

    def __iter__(self) -> Iterator[int]:
        return self._all


class Unsized(Dataset[Any]):
    def __getitem__(self, index: int) -> int:
        return index


class OnlySized:
    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(Pairs(), 4),
        DataLoader([X, X], batch_size=None),  # type: ignore[arg-type]
        DataLoader(Sized(), 4),
        Batched(1, 2),
        {1: "a"}.keys(),
    ],
)
def test_what_has_batches_is_used_unchanged(loader: Any) -> None:
    assert data_set(loader) is None and checked_loader(loader) is loader


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter([1]), "data: found list_iterator without a length, expected a data set with"),
        ((i for i in range(3)), "data: found generator without a length"),
        (Stream(), "data: found Stream without a length"),
        (DataLoader(Stream(), 4), "data: found DataLoader without a length"),
        (Unsized(), "data: found Unsized without a length"),
        (Batched(), "data: found Batched of 0 batches"),
        (DataLoader(Pairs(), 11, drop_last=True), "data: found DataLoader of 0 batches"),
        (OnlySized(), "data: found OnlySized, which gives neither examples nor batches"),
        ([], "data: found list without examples"),
        (TensorDataset(X[:0]), "data: found TensorDataset without examples"),
        (X, "data: found a Tensor by itself"),
        (X.numpy(), "data: found a ndarray by itself"),
        ((X, Y), "data: found a Tensor by itself"),
        ({"train": DATA[0]}, "data: found a dict by itself"),
        (None, "data: found NoneType without a length"),
    ],
)
def test_what_gives_neither_is_one_line(data: Any, message: str) -> None:
    with pytest.raises(SettingError) as error:
        if data_set(data) is None:
            checked_loader(data)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_loader_that_runs_dry_is_named() -> None:
    passes = ResumableBatches(Once(1, 2))
    assert [next(passes), next(passes)] == [1, 2]
    line = "data: found a pass over Once without batches, though its length is 2, expected a new"
    with pytest.raises(SettingError, match=line):
        next(passes)
    with pytest.raises(SettingError, match=line):
        list(passes.one_pass())
    assert list(one_pass(Batched(1, 2))) == [1, 2]


class OnDevice(Alone):
    """A data set whose examples are on the device, one by one."""

    def __getitem__(self, index: int) -> Any:
        return torch.zeros(1, device=DEVICE), torch.zeros((), device=DEVICE)


@pytest.mark.parametrize(
    "data",
    [TensorDataset(torch.zeros(10, 1, device=DEVICE), Y.to(DEVICE)), OnDevice()],
    ids=["rows", "each"],
)
def test_examples_that_are_on_the_device_stay_there(data: Any) -> None:
    with stand_in():
        for loader in (
            shuffled_batches(data, 5, torch.Generator().manual_seed(0), DEVICE),
            ordered_batches(data, 5, DEVICE),
        ):
            assert [x.device for x, _ in loader] == [DEVICE, DEVICE]
