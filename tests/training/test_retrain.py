"""Retraining: its schedules, its loss, and what stops it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import NonFiniteLossError
from pdas.tasks.classification.evaluate import predictions
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.classification.task import ClassifierTraining
from pdas.training.loop import Progress
from pdas.training.retrain import retrain

SIZE = CellSettings(nodes=1, cells_per_stage=1, channels=4, in_channels=1, classes=2)
Batch = tuple[Tensor, Tensor]


class Fixed:
    """The same batches in every pass."""

    device = torch.device("cpu")

    def __init__(self, *batches: Batch) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def batch(n: int = 16, seed: int = 0) -> Batch:
    """Images of class 1 are brighter above than below, those of class 0 the other way."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    images = torch.randn(n, 1, 8, 8, generator=generator)
    images[:, :, :4] += (4.0 * labels - 2).view(n, 1, 1, 1)
    return images, labels


def network(auxiliary: bool = False) -> CellNetwork:
    torch.manual_seed(0)
    space = cell_space(1, SIZE.operations)
    separable = space.architecture(
        {n: "sep_conv_3x3" if "/op" in n else labels[0] for n, labels in space.items()}
    )
    return CellNetwork(separable, SIZE, auxiliary=auxiliary)


def train(net: CellNetwork, batches: Any, **changes: Any) -> list[Progress]:
    plain = {"epochs": 5, "drop_path": 0.0, "auxiliary_weight": 0.0}
    epochs: list[Progress] = []
    settings = RetrainSettings(**plain | changes)
    fabric = Fabric(accelerator="cpu", devices=1)
    module = ClassifierTraining(net, settings)
    retrain(module, batches, settings, fabric, on_epoch=lambda all_: epochs.append(all_[-1]))
    module.finished()
    return epochs


def test_it_learns() -> None:
    net, batches = network(), Fixed(batch(seed=0), batch(seed=1))
    assert predictions(net, batches).error > 20  # type: ignore[arg-type]
    epochs = train(net, batches, epochs=40)
    assert epochs[-1].measures["loss"] < 0.5 * epochs[0].measures["loss"]
    assert predictions(net, batches).error < 10  # type: ignore[arg-type]


def test_the_rates_follow_their_schedules() -> None:
    net = network()
    epochs = train(net, Fixed(batch()), drop_path=0.4, optimizer={"learning_rate": 0.1})
    assert [p.measures["drop_path"] for p in epochs] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    cosine = [0.05 * (1 + math.cos(math.pi * epoch / 5)) for epoch in range(5)]
    assert [p.learning_rate for p in epochs] == pytest.approx(cosine)
    assert [p.step for p in epochs] == [1, 2, 3, 4, 5]
    assert net.drop_path == 0
    (only,) = train(network(), Fixed(batch()), drop_path=0.4, epochs=1)
    assert only.measures["drop_path"] == 0


def test_the_auxiliary_loss_has_its_weight() -> None:
    images, labels = batch()
    net = network(auxiliary=True)
    logits, auxiliary = net.train().forward_with_auxiliary(images)
    main, other = (float(F.cross_entropy(x, labels).detach()) for x in (logits, auxiliary))
    for weight in (0.0, 0.4, 2.0):
        net = network(auxiliary=True)
        (progress,) = train(net, Fixed((images, labels)), epochs=1, auxiliary_weight=weight)
        assert progress.measures["loss"] == pytest.approx(main + weight * other, rel=1e-5)


def test_a_step_is_momentum_descent_on_the_clipped_gradient() -> None:
    images, labels = batch()
    net, twin = network(), network()
    train(net, Fixed((images, labels)), epochs=1, clip=0.01, optimizer={"weight_decay": 0.1})
    F.cross_entropy(twin.train()(images), labels).backward()
    norm = math.sqrt(sum(float(w.grad.square().sum()) for w in twin.parameters()))
    assert norm > 0.01
    for (name, found), start in zip(net.named_parameters(), twin.parameters(), strict=True):
        expected = start - 0.025 * (start.grad * 0.01 / norm + 0.1 * start)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_a_loss_that_is_not_finite_stops_it() -> None:
    images, labels = batch()
    net = network()
    before = {name: w.clone() for name, w in net.named_parameters()}
    with pytest.raises(NonFiniteLossError, match=r"step 1.*retrain\.optimizer\.learning_rate"):
        train(net, Fixed((images * torch.nan, labels)))
    assert all(torch.equal(before[name], w) for name, w in net.named_parameters())


def test_the_error_is_the_share_of_wrong_classes_without_drop_path() -> None:
    net = network()
    train(net, Fixed(batch(seed=0), batch(seed=1)), epochs=40)
    net.drop_path = 0.9
    images, labels = batch(30)
    labels[:7] = 1 - labels[:7]
    guesses = net.eval()(images).argmax(1)
    wrong = 100 * float((guesses != labels).float().mean())
    parts = Fixed((images[:20], labels[:20]), (images[20:], labels[20:]))  # of unequal size
    assert predictions(net.train(), parts).error == pytest.approx(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("accumulate", [2, 4])
def test_a_batch_in_parts_makes_the_step_of_the_whole_one(accumulate: int) -> None:
    images, labels = batch()
    nets, losses = [], []
    for parts in (1, accumulate):
        net = network()
        for module in net.modules():  # batch norm sees each part by itself: without it
            if isinstance(module, torch.nn.BatchNorm2d):
                module.forward = lambda x: x  # type: ignore[method-assign]
        seen: list[int] = []
        net.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(len(inputs[0])))
        (progress,) = train(net, Fixed((images, labels)), epochs=1, accumulate=parts)
        assert seen == [16 // parts] * parts
        losses.append(progress.measures["loss"])
        nets.append(net)
    assert losses[1] == pytest.approx(losses[0])
    for whole, found in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-7)


def test_a_loss_that_is_not_finite_in_a_later_part_leaves_the_weights() -> None:
    images, labels = batch()
    images[-1] = torch.nan
    net = network()
    before = {name: w.clone() for name, w in net.named_parameters()}
    with pytest.raises(NonFiniteLossError, match="step 1"):
        train(net, Fixed((images, labels)), accumulate=4)
    assert all(torch.equal(before[name], w) for name, w in net.named_parameters())
