"""How many operations a step asks of the device: at most as many as are written down here.

On a GPU a step of small operations is bound by how fast the host launches them. A change that adds
some fails; one that saves some lowers the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pdas.distributed.ranks import Ranks
from pdas.methods.sampled.step import SearchStep
from pdas.space import Architecture
from pdas.training.candidates import Candidates
from pdas.training.settings import TrainingSettings
from pdas.training.weights.training import WeightTraining
from tests.standin.device import Watch, stand_in, stand_in_fabric
from tests.standin.paper import batch, pairs, supernet

# Of the steps with two pairs of architectures, without the making of batches. Two in each put what
# the host reads into one tensor, so that it waits once for all of it.
OPERATIONS = {"cells": 4807, "auto-encoders": 924}


class Given:
    """An optimizer that gives the pairs that it was told to give."""

    def __init__(self, rounds: Sequence[Sequence[Architecture]]) -> None:
        self.space = rounds[0][0].space
        self._rounds = iter(rounds)

    def ask(self, n: int | None = None) -> list[Architecture]:
        return list(next(self._rounds))

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        pass


def cross_entropy(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    x, y = batch
    return {"loss": F.cross_entropy(model(x), y)}


def squared_error(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    x, y = batch
    return {"loss": F.mse_loss(model(x), y)}


@pytest.mark.parametrize("family", OPERATIONS)
def test_a_search_step_asks_for_no_more_operations(family: str) -> None:
    with stand_in():
        net, fabric = supernet(family), stand_in_fabric()
        weights = WeightTraining(
            Candidates(net), TrainingSettings(steps=2), fabric, Ranks(fabric), steps=2, per_epoch=2
        )
        for weight in net.parameters():  # as after many steps
            weights.optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        rounds = pairs(net.space, 2)
        loss = cross_entropy if family == "cells" else squared_error
        step = SearchStep(fabric, weights.network, loss, Given(rounds), weights)  # type: ignore[arg-type]
        batches = batch(family), batch(family)
        with Watch() as watch:
            for _ in rounds:
                step(*batches)
    assert watch.operations.total() <= OPERATIONS[family], watch.operations.most_common()
