"""What belongs on the CPU is there, whatever default device the program has; here "meta"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.data.augment import Augment
from pdas.data.batches import Batches
from pdas.data.images import MemoryImages
from pdas.data.masks import MASKS, MaskedBatches
from pdas.data.splits import halves, share_of_classes, split_test
from pdas.data.views.standardise import channel_statistics
from pdas.methods.components import METHODS, MethodRequest
from pdas.resume.batches import ResumableBatches
from pdas.resume.data_sets import shuffled_batches
from pdas.spaces.cells.space import cell_space
from pdas.support.random_state import random_state, set_random_state


@pytest.fixture
def meta() -> Iterator[None]:
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


CPU = torch.device("cpu")


def images() -> MemoryImages:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (40, 3, 8, 8), generator=generator, device=CPU, dtype=torch.uint8)
    return MemoryImages(pixels, torch.arange(40, device=CPU) % 4)


def made() -> list[Any]:
    """Splits, statistics and batches."""
    source = images()
    generator = torch.Generator().manual_seed(1)
    standardise, augment = channel_statistics(source), Augment(pad=2, flip=True, cutout=4)

    def transform(pixels: Tensor) -> Tensor:
        return augment(standardise(pixels), generator)

    batches = Batches(source, 8, shuffle=generator, transform=transform, drop_last=True)
    masked = [
        MaskedBatches(batches, mask, torch.Generator().manual_seed(2)) for mask in MASKS.values()
    ]
    rows = shuffled_batches(TensorDataset(source.images.float()), 8, generator)
    stream = ResumableBatches(rows)
    first = [next(stream) for _ in range(7)]
    state, before = stream.state_dict(), random_state(stream.generators)
    again = ResumableBatches(rows)
    again.load_state_dict(state)
    set_random_state(before, again.generators)
    labels = source.labels
    splits = [halves(9, generator), split_test(labels, 0.5, 3), share_of_classes(labels, 0.5, 3)]
    return [*splits, list(batches), *map(list, masked), first, [next(again) for _ in range(5)]]


def flat(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    else:
        for each in values:
            yield from flat(each)


def test_data_are_the_same(request: pytest.FixtureRequest) -> None:
    expected = list(flat(made()))
    request.getfixturevalue("meta")
    found = list(flat(made()))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.device == CPU and torch.equal(one, other)


@pytest.mark.parametrize(
    "name", ["pdas", "enas", "enas-plain", "nas", "nasnet", "nao", "renas-like"]
)
def test_optimizers_ask_and_tell_the_same(name: str, request: pytest.FixtureRequest) -> None:
    def asked() -> list[Any]:
        labels = {"a": ["x", "y", "z"], "b": ["u", "v"]}
        cells = cell_space(2, ("identity", "sep_conv_3x3"))
        space = cells if name == "enas" else pdas.SearchSpace(labels)
        small = {"fit_epochs": 1, "seeds": 4, "new": 2, "top": 2, "population": 2, "tournament": 2}
        fits = {key: value for key, value in small.items() if key in METHODS[name].model_fields}
        build = METHODS[name](**fits).build(MethodRequest(space, seed=0, samples=2))
        optimizer: Any = getattr(build, "optimizer", build)
        found = []
        for _ in range(8):
            each = optimizer.ask(2)
            found += [one.indices.tolist() for one in each]
            optimizer.tell(each, [0.1 + 0.01 * sum(one.indices.tolist()) for one in each])
        optimizer.load_state_dict(optimizer.state_dict())
        return [*found, optimizer.best().indices.tolist()]

    expected = asked()
    request.getfixturevalue("meta")
    assert asked() == expected


def loss(model: Any, batch: list[Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


@pytest.mark.parametrize("method", ["pdas", "enas-plain", "darts-1"])
def test_a_search_is_the_same(method: str, request: pytest.FixtureRequest) -> None:
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
    data = TensorDataset(x, x.sum(1, keepdim=True))

    def searched() -> list[Any]:
        with CPU:
            torch.manual_seed(0)
            acts = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
            net = pdas.nn.Supernet(
                nn.Sequential(nn.Linear(4, 4), pdas.nn.Choice("act", acts), nn.Linear(4, 1))
            )
        result = pdas.search(
            net, loss, data, method=method, preset="paper", epochs=3, batch_size=4,
            fabric=Fabric(accelerator="cpu", devices=1),
        )  # fmt: skip
        return [result.architecture.to_dict(), [weight.tolist() for weight in net.parameters()]]

    expected = searched()
    request.getfixturevalue("meta")
    assert searched() == expected
