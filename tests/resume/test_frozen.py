"""What a resumed training must have the same: settings, what it was given, fingerprints of data."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from pdas.resume.data_sets import shuffled_batches
from pdas.resume.fingerprint import of_function, of_loader, of_value
from pdas.resume.frozen import Frozen
from pdas.support.errors import CheckpointError, PdasWarning
from pdas.support.random_state import random_state
from pdas.training.settings import TrainingSettings

SETTINGS = TrainingSettings(epochs=10)
GIVEN = {"seed": 0, "limit": None, "code of loss": "a1"}


def frozen(settings: TrainingSettings = SETTINGS, **given: Any) -> Frozen:
    return Frozen("retrain", settings, {**GIVEN, **given})


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (frozen(seed=1), "seed: found 1, expected 0 as in the checkpoint; give it as it was, or "),
        (frozen(limit=3.0), "limit: found 3.0, expected None as in "),
        (frozen(TrainingSettings(epochs=11)), "retrain.epochs: found 11, expected 10 as in "),
        (frozen(TrainingSettings(epochs=10, optimizer="adamw")), "retrain.optimizer.name: found "),
        (Frozen("search", SETTINGS, GIVEN), "stage: found 'search', expected 'retrain' as in "),
    ],
)
def test_a_change_is_named_in_one_line(now: Frozen, line: str) -> None:
    with pytest.raises(CheckpointError, match=f"^{re.escape(line)}") as error:
        now.load_state_dict(frozen().state_dict())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "now",
    [
        frozen(),
        frozen(TrainingSettings(epochs=10, accumulate=4, max_minutes=3)),  # these may change
        frozen(added="by a newer version"),
    ],
)
def test_what_may_differ(now: Frozen) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        now.load_state_dict(frozen().state_dict())


def test_other_code_is_a_warning() -> None:
    with pytest.warns(PdasWarning, match="^code of loss: found other code"):
        frozen(**{"code of loss": "b2"}).load_state_dict(frozen().state_dict())


class Examples(Dataset[Any]):
    """Any data set; `draws` of what is drawn anew for each example."""

    def __init__(self, n: int = 40, scale: float = 1.0, draws: Any = lambda: 0.0) -> None:
        self.n, self.scale, self.draws = n, scale, draws

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = Image.fromarray(np.full((2, 2), index, np.uint8))
        return {"image": image, "x": np.array([index * self.scale]), "noise": self.draws()}


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(8))


def tensors(change: int | None = None) -> TensorDataset:
    x = torch.arange(200.0)
    if change is not None:
        x[change] += 1
    return TensorDataset(x)


def loader(data: Any) -> Any:
    return shuffled_batches(data, 4, torch.Generator().manual_seed(0))


def test_data_are_told_by_their_examples() -> None:
    own = np.random.default_rng(0)
    sets = [
        tensors(),
        tensors(change=77),  # of tensors all rows count
        Subset(tensors(), range(100)),
        Subset(tensors(), range(100, 200)),
        Examples(),
        Examples(scale=2.0),
        Examples(41),
        Examples(draws=random.random),
        Examples(draws=own.random),  # of this one only the numbers are known
    ]
    texts = [of_loader(loader(data)) for data in sets]
    assert len(set(texts)) == len(texts)
    assert texts == [of_loader(loader(data)) for data in sets]
    assert texts[-1] == "10 batches of 40 examples"
    assert of_loader([torch.zeros(2)] * 3) != of_loader([torch.ones(2)] * 3)
    assert of_loader(DataLoader(Examples(8), 2)) != of_loader(DataLoader(Examples(8, 3.0), 2))


def test_batches_that_cannot_be_indexed_are_told_by_their_number() -> None:
    class Batches:
        def __iter__(self) -> Iterator[int]:
            raise AssertionError("their order is not drawn")

        def __len__(self) -> int:
            return 5

    assert of_loader(Batches()) == "5 batches"
    sized = type("Sized", (Stream,), {"__len__": lambda self: 8})
    assert of_loader(DataLoader(sized(), 2)) == "4 batches of 8 examples"


def test_looking_at_data_draws_nothing() -> None:
    batches = loader(Examples(draws=torch.rand(()).item))
    before = str(random_state([batches.generator]))
    of_loader(batches)
    assert str(random_state([batches.generator])) == before


@dataclass
class Pair:
    x: torch.Tensor
    name: str


def test_values_are_told_by_type_shape_and_content() -> None:
    values = [
        torch.zeros(2), torch.zeros(2, 1), torch.zeros(2).double(), torch.tensor([0.0, 1.0]),
        np.zeros(2), np.float32(0), 0, 0.0, False, None, "0", b"0", [0], (0,), {"a": 0}, {"b": 0},
        [[0], 1], [0, [1]], Pair(torch.zeros(2), "a"), Pair(torch.zeros(2), "b"),
        torch.zeros(2, dtype=torch.bfloat16), {"a", "b"}, {"a", "c"}, object(),
    ]  # fmt: skip
    texts = [of_value(value) for value in values]
    assert len(set(texts)) == len(texts)
    assert of_value({"b", "a"}) == of_value({"a", "b"}) and of_value(object()) == texts[-1]


def test_functions_are_told_by_name_and_code() -> None:
    def scaled(factor: float) -> Any:
        seen: list[float] = []

        def loss(x: float, power: int = 2) -> float:
            seen.append(x)  # what grows is not part of the code
            return factor * x**power

        return loss

    loss = scaled(1.0)
    before = of_function(loss)
    loss(3.0)
    assert before == of_function(loss) == of_function(scaled(1.0))
    assert before[0] == of_function(scaled(2.0))[0] == of_function(partial(loss, power=3))[0]
    others = (scaled(2.0), partial(loss, power=3), lambda x: x, lambda x: x + 1)
    codes = {before[1], *(of_function(each)[1] for each in others)}
    assert len(codes) == 5
    assert of_function(torch.nn.MSELoss())[0] == "MSELoss"
