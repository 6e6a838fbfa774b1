"""The best output that is always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from pdas.engine.chance import constant_losses

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


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_of_a_regression_it_is_the_variance(scale: float) -> None:
    targets = scale * (3 + torch.randn(400, 2))
    found = constant_losses(
        lambda model, batch: mse_loss(model(batch[0]), batch[1]), batches(targets), nn.Linear(3, 2)
    )
    assert found is not None and np.mean(found) == pytest.approx(
        float(targets.var(0, correction=0).mean()), rel=1e-3
    )


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
