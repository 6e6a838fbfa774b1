"""The watch finds mistakes that were put in, each with its line, and none in what is right.

A line with a mistake ends with the comment `wrong`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.images import MemoryImages
from pdas.data.masks import MaskedBatches
from pdas.data.views.standardise import Standardise
from pdas.space import Architecture
from pdas.spaces.cells import network as cell_network
from tests.conftest import TINY
from tests.standin.device import (
    COPIED,
    DEVICE,
    DOUBLE,
    DRAWN,
    MIXED,
    READ,
    SENT,
    Watch,
    by_place,
    computes,
    stand_in,
    stand_in_fabric,
)
from tests.standin.paper import pairs
from tests.standin.test_capture import SHAPE, of_family

HERE = Path(__file__).name


class Scaled(nn.Module):
    """Predicts a multiple of a power of x."""

    space = pdas.SearchSpace({"power": [1, 2]})

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.scale * x ** int(architecture["power"])


def search_with(loss: Callable[..., Tensor]) -> None:
    """A short search with a loss of the user's own."""
    data = TensorDataset(torch.rand(8, 3), torch.rand(8, 3))
    fabric = stand_in_fabric()
    pdas.search(
        Scaled(), loss, data, preset="paper", epochs=1, batch_size=2, fabric=fabric, progress=False
    )


def error(model: Any, batch: Any) -> Tensor:
    x, y = batch
    return (model(x) - y).square()


def right(model: Any, batch: Any) -> Tensor:
    return error(model, batch).mean()


def with_a_number(model: Any, batch: Any) -> Tensor:
    found = error(model, batch).mean()
    return found / float(found.detach())  # wrong


def with_a_list(model: Any, batch: Any) -> Tensor:
    found = error(model, batch).mean(1)
    return found.mean() / max(found.tolist())  # wrong


def with_a_branch(model: Any, batch: Any) -> Tensor:
    found = error(model, batch).mean()
    return found if found > 0 else 2 * found  # wrong


def with_a_selection(model: Any, batch: Any) -> Tensor:
    found = error(model, batch)
    return found[found > 0].mean()  # wrong


def on_the_cpu(model: Any, batch: Any) -> Tensor:
    return error(model, batch).cpu().mean()  # wrong


def with_a_new_tensor(model: Any, batch: Any) -> Tensor:
    found = error(model, batch)
    return (found * torch.tensor([1.0, 2, 3], device=found.device)).mean()  # wrong


def with_weights_on_the_cpu(model: Any, batch: Any) -> Tensor:
    return (error(model, batch) * torch.ones(3)).mean()  # wrong


def in_double_precision(model: Any, batch: Any) -> Tensor:
    return error(model, batch).double().mean()  # wrong


LOSSES = {
    with_a_number: READ,
    with_a_list: READ,
    with_a_branch: READ,
    with_a_selection: READ,
    on_the_cpu: READ,
    with_a_new_tensor: COPIED,
    with_weights_on_the_cpu: MIXED,
    in_double_precision: DOUBLE,
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_loss_with_a_mistake_is_named(loss: Callable[..., Tensor]) -> None:
    with stand_in(), Watch() as watch, suppress(RuntimeError, NotImplementedError):
        search_with(loss)
    is_found(watch, LOSSES[loss], loss)


def test_a_right_loss_is_not_named() -> None:
    with stand_in(), Watch() as watch:
        search_with(right)
    assert not [found for found in watch.found if found.file.endswith(HERE)]
    assert not watch.of(MIXED, DRAWN, DOUBLE)


def test_a_drop_path_that_draws_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_on_the_cpu(paths: int, x: Tensor, rate: float) -> list[Tensor]:
        return [torch.ones(len(x), 1, 1, 1) for _ in range(paths)]

    monkeypatch.setattr(cell_network, "draw_kept", draw_on_the_cpu)
    net, derive = of_family("digits", TINY, 10)
    ((architecture, _),) = pairs(net.space, 1)
    network: Any = derive(architecture).to(DEVICE).train()
    network.drop_path = 0.2
    x = torch.zeros(4, *SHAPE, device=DEVICE)
    with Watch() as watch, suppress(RuntimeError):
        network(x)
    dropping = "spaces/cells/operations.py: times"  # multiplies by what was drawn
    assert set(by_place(watch.of(MIXED))) == {dropping}


class CutOnTheCpu(Augment):
    def _cut_out(self, batch: Tensor, centre_y: Tensor, centre_x: Tensor) -> Tensor:
        hidden = torch.rand(len(batch), 1, *batch.shape[-2:]) < 0.1
        return batch.masked_fill(hidden, 0)  # wrong


def images() -> MemoryImages:
    pixels = torch.zeros(8, 1, 8, 8, dtype=torch.uint8)
    return MemoryImages(pixels, torch.arange(8) % 2).to(DEVICE)


def batches(augment: Augment) -> Batches:
    generator = torch.Generator()
    transform = TrainingTransform(Standardise((0.5,), (0.5,)), augment, generator)
    return Batches(
        images(), 4, shuffle=generator, transform=transform, drop_last=True, device=DEVICE
    )


def test_a_cutout_on_the_cpu() -> None:
    with Watch() as watch, suppress(RuntimeError):
        next(iter(batches(CutOnTheCpu(pad=1, flip=True, cutout=2))))
    is_found(watch, MIXED, CutOnTheCpu)


def mask_by_the_wrong_generator(images: Tensor, generator: torch.Generator) -> Tensor:
    shape = len(images), 1, *images.shape[-2:]
    return torch.rand(shape, generator=generator, device=images.device) < 0.5  # wrong


def test_a_mask_that_draws_on_the_device_by_a_generator_of_the_cpu() -> None:
    clean = batches(Augment(pad=0, flip=True, cutout=0))
    with Watch() as watch:
        next(iter(MaskedBatches(clean, mask_by_the_wrong_generator, torch.Generator())))
    is_found(watch, DRAWN, mask_by_the_wrong_generator)


class LabelsOnTheCpu(Batches):
    def pass_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in super().pass_from(first):
            yield images, torch.zeros(len(labels), dtype=torch.int64)


def test_labels_on_the_cpu_are_a_copy_of_the_fabric() -> None:
    fabric, found = stand_in_fabric(), batches(Augment(pad=0, flip=False, cutout=0))
    found.__class__ = LabelsOnTheCpu
    batch = next(iter(found))
    with Watch() as watch:
        fabric.to_device(batch)  # wrong
    is_found(watch, COPIED, test_labels_on_the_cpu_are_a_copy_of_the_fabric)


def test_pinned_memory_is_a_copy_that_nobody_waits_for() -> None:
    with Watch() as watch:
        host = torch.ones(3)
        for source, non_blocking in ((host, True), (host.pin_memory(), False)):
            source.to(DEVICE, non_blocking=non_blocking)
        pinned = host.pin_memory()
        pinned.to(DEVICE, non_blocking=True)
        torch.empty(3, device=DEVICE).copy_(pinned, non_blocking=True)
    assert [found.kind for found in watch.found] == [COPIED, COPIED, SENT, SENT]


def test_what_computes_is_counted_and_a_view_is_not() -> None:
    x = torch.ones(2, 3, device=DEVICE)
    with Watch() as watch:
        (x.t().view(3, 2)[1:] + torch.empty_like(x).t()[1:]).relu_()
        torch.ones(2).add_(1)
    assert watch.operations == {"aten.add.Tensor": 1, "aten.relu_.default": 1}
    assert set(watch.on_host) == {"aten.ones.default", "aten.add_.Tensor"}
    assert computes(torch.ops.aten._foreach_add_.Scalar)


def test_a_copy_to_the_host_has_the_shape_and_type_of_the_source() -> None:
    with Watch():
        x = torch.zeros(2, 3, device=DEVICE).cpu()
        y = torch.zeros(2, device=DEVICE, dtype=torch.int64).to("cpu", torch.float32)
        z = torch.empty(2).copy_(torch.zeros(2, device=DEVICE))
    assert torch.equal(x, torch.ones(2, 3)) and torch.equal(y, torch.ones(2)) and y.equal(z)


def is_found(watch: Watch, kind: str, within: Any) -> None:
    """One of a kind was found in a line that is wrong, and none elsewhere in this file."""
    lines, first = inspect.getsourcelines(within)
    wrong = {first + i for i, line in enumerate(lines) if line.rstrip().endswith("# wrong")}
    assert len(wrong) == 1
    told = "\n".join(map(str, watch.found))
    assert {f.line for f in watch.found if f.file.endswith(HERE) and f.kind == kind} == wrong, told
