"""Whole stages on a device beside the CPU: nothing is on two devices, and the host seldom waits.

What a step may wait for and copy is written down here by file and function. A change that adds to
it fails, and one that takes something away lowers the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from joblib import Parallel
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.experiment import preparation
from pdas.experiment.experiment import Experiment
from pdas.nn import Supernet
from pdas.tasks.inpainting import baselines
from pdas.training.loop import Progress
from tests.conftest import TINY, TINY_INPAINTING
from tests.nn.choice_helpers import Everything
from tests.standin.device import (
    MISTAKES,
    SENT,
    WAITS,
    Found,
    Watch,
    by_place,
    stand_in,
    stand_in_fabric,
)

LABELLED = (
    *TINY,
    "data.train_images=48",
    "data.flip=true",
    "data.cutout=4",
    "search.batch_size=8",
    "retrain.batch_size=16",
    "retrain.auxiliary_weight=0.4",
    "retrain.drop_path=0.2",
)
RESTORED = (*TINY_INPAINTING, "search.steps=3", "retrain.steps=3")
RECIPES = {
    "cells": ("digits", LABELLED),
    "auto-encoders": ("inpaint-photos", (*RESTORED, "mask=pixel")),
}

DRAWS, PIXELS = "data/augment.py: _draw", "data/masks.py: pixel"
NUMBERS = "training/measures.py: all_numbers"

# What the host waits for in a step, by place.
SEARCH = {NUMBERS: 2}  # before the update of the weights, and before that of theta
RETRAINING = {NUMBERS: 1}

# Copies that nobody waits for: of what is drawn for a batch, of masks that are drawn, and of whole
# batches of data that the user gives.
COPIES_OF_SEARCH = {
    "cells": {DRAWS: 2},
    "auto-encoders": {DRAWS: 2, PIXELS: 2},
    "own": {"searches/run_search.py: _update": 4},
}
COPIES_OF_RETRAINING = {
    "cells": {DRAWS: 1},
    "auto-encoders": {DRAWS: 1, PIXELS: 1},
    "own": {"training/retrain.py: __call__": 2},
}


class Steps:
    """What was found until the end of each step of a training; its batch is a part of it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._ends: list[tuple[int, int]] = []

    def __call__(self, progress: Progress) -> None:
        self._ends.append((progress.epoch, len(self._watch.found)))

    @property
    def last(self) -> list[Found]:
        """Of the last step that neither begins nor ends an epoch."""
        for (before, start), (epoch, end), (after, _) in zip(
            self._ends[-3::-1], self._ends[-2::-1], self._ends[::-1], strict=False
        ):
            if before == epoch == after:
                return self._watch.found[start:end]
        raise AssertionError(f"no step is within an epoch: {self._ends}")


class InThisProcess(Parallel):  # type: ignore[misc]
    """Without further processes, whose start takes long."""

    def __init__(self, n_jobs: int) -> None:
        super().__init__(n_jobs=1)


@dataclass
class Traced:
    """A search and a retraining, with the evaluations, on the stand-in device."""

    watch: Watch
    search: Steps
    retraining: Steps


@pytest.fixture(scope="module", params=[*RECIPES, "own"])
def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Traced]]:
    with stand_in(), Watch() as watch:
        steps = Steps(watch), Steps(watch)
        if request.param == "own":
            own_stages(*steps)
        else:
            stages(request.param, tmp_path_factory.mktemp(request.param), *steps)
    return request.param, Traced(watch, *steps)


def stages(name: str, folder: Path, search: Steps, retraining: Steps) -> None:
    """All stages of a recipe."""
    recipe, settings = RECIPES[name]
    experiment = Experiment(recipes.load(recipe, settings), seed=0)
    with (
        patch.object(preparation, "open_fabric", lambda settings: stand_in_fabric()),
        patch.object(baselines, "Parallel", InThisProcess),
    ):
        run = experiment.search(folder / "run", on_step=search)
        retrained = experiment.retrain(run, on_step=retraining)
        experiment.evaluate(retrained)


def own_stages(search: Steps, retraining: Steps) -> None:
    """A network of one's own with a choice of every kind."""
    net = Supernet(Everything())
    derive = partial(net.derive, keep_weights=True)  # else it looks for values that it has drawn
    data = TensorDataset(torch.rand(48, 3, 16, 16), torch.arange(48) % 10)
    common = {"fabric": stand_in_fabric(), "progress": False}
    found = pdas.search(
        net,
        loss,
        data,
        epochs=6,
        warmup=0,
        theta_samples=2,
        batch_size=8,
        finalists=2,
        derive=derive,
        on_step=search,
        **common,
    )
    network = derive(found.architecture)
    pdas.retrain(network, loss, data, data, epochs=2, batch_size=16, on_step=retraining, **common)


def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
    x, y = batch
    logits = model(x)
    right = (logits.detach().argmax(1) == y).float().mean()
    return {"loss": F.cross_entropy(logits, y), "accuracy": right}


def test_nothing_is_on_two_devices_or_in_double_precision(traced: tuple[str, Traced]) -> None:
    _, trace = traced
    mistakes = trace.watch.of(*MISTAKES)
    assert not mistakes, "\n".join(dict.fromkeys(map(str, mistakes)))


def test_what_a_search_step_waits_for_and_copies(traced: tuple[str, Traced]) -> None:
    name, trace = traced
    check(trace.search, SEARCH, COPIES_OF_SEARCH[name])


def test_what_a_retraining_step_waits_for_and_copies(traced: tuple[str, Traced]) -> None:
    name, trace = traced
    check(trace.retraining, RETRAINING, COPIES_OF_RETRAINING[name])


def check(steps: Steps, waits: dict[str, int], copies: dict[str, int]) -> None:
    """The last step waits and copies as often as expected."""
    for kinds, expected in ((WAITS, waits), ((SENT,), copies)):
        found = [each for each in steps.last if each.kind in kinds]
        told = "\n".join(map(str, found))
        assert by_place(found) == dict(sorted(expected.items())), f"lower or mend:\n{told}"
