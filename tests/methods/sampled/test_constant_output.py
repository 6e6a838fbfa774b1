"""The best output that is always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss, mse_loss

from pdas.methods.sampled.constant_output import constant_losses

Batch = tuple[Tensor, Tensor]


def batches(targets: Tensor) -> list[Batch]:
    return [(torch.randn(len(part), 3), part) for part in targets.chunk(4)]


def test_of_a_classifier_it_is_the_entropy_of_the_classes() -> None:
    classes = torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), 400, replacement=True)
    shares = classes.bincount() / 400
    found = constant_losses(
        lambda model, batch: cross_entropy(model(batch[0]), batch[1]),
        batches(classes),
        nn.Linear(3, 3),
    )
    assert found is not None and np.mean(found) == pytest.approx(
        float(-(shares * shares.log()).sum()), abs=1e-4
    )


@pytest.mark.parametrize("outputs", [1, 2, 10])
@pytest.mark.parametrize("mean", [0.0, 3.0, 1e3])
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e4, 1e6])
def test_of_a_regression_it_is_the_variance(scale: float, mean: float, outputs: int) -> None:
    targets = scale * (mean + torch.randn(400, outputs))
    found = constant_losses(
        lambda model, batch: mse_loss(model(batch[0]), batch[1]),
        batches(targets),
        nn.Linear(3, outputs),
    )
    expected = float(targets.double().var(0, correction=0).mean())
    assert found is not None and np.mean(found) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_of_an_absolute_error_it_is_the_median(scale: float) -> None:
    targets = scale * torch.randn(400, 1).exp()
    found = constant_losses(
        lambda model, batch: l1_loss(model(batch[0]), batch[1]), batches(targets), nn.Linear(3, 1)
    )
    expected = float((targets - targets.median()).abs().mean())
    assert found is not None and np.mean(found) == pytest.approx(expected, rel=1e-3)


def test_it_is_one_output_for_all_batches_with_a_loss_on_each() -> None:
    parts = [torch.full((5, 1), 0.0), torch.full((5, 1), 1.0), torch.full((5, 1), 5.0)]
    found = constant_losses(
        lambda model, batch: mse_loss(model(batch[0]), batch[1]),
        [(torch.randn(5, 3), part) for part in parts],
        nn.Linear(3, 1),
    )
    assert found == pytest.approx([4, 1, 9], rel=1e-3)


def test_the_model_that_shows_the_output_is_left_as_it_was() -> None:
    model = nn.Linear(3, 1)
    before = model.weight.detach().clone()
    constant_losses(lambda m, b: mse_loss(m(b[0]), b[1]), batches(torch.randn(40, 1)), model)
    assert torch.equal(model.weight, before) and model.weight.grad is None


def test_a_loss_that_asks_more_of_its_model_has_none() -> None:
    def penalised(model: Any, batch: Batch) -> Tensor:
        return mse_loss(model(batch[0]), batch[1]) + model.inner.weight.square().sum()

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    assert constant_losses(penalised, batches(torch.randn(40, 1)), Outer()) is None


def test_an_output_that_is_no_tensor_has_none() -> None:
    class Named(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return {"out": super().forward(x)}

    def loss(model: Any, batch: Batch) -> Tensor:
        return mse_loss(model(batch[0])["out"], batch[1])

    assert constant_losses(loss, batches(torch.randn(40, 1)), Named(3, 1)) is None
