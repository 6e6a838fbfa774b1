"""One tiny experiment of inpainting, done once."""

from __future__ import annotations

import pytest

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from tests.conftest import PAPER_SEARCH

TINY = (
    *PAPER_SEARCH,
    "mask=center",
    "data.image_size=16",
    "data.crops=20",
    "data.test_images=10",
    "network.layers=3",
    "network.level_back=2",
    "network.kernels=[1,3]",
    "network.channels=[2,4]",
    "search.steps=6",
    "search.batch_size=16",
    "retrain.steps=6",
    "device.accelerator=cpu",
)


@pytest.fixture(scope="session")
def inpainting() -> Experiment:
    """A whole experiment on crops of photographs that takes a second or two."""
    return Experiment(recipes.load("inpaint-photos", TINY), seed=0)


@pytest.fixture(scope="session")
def restored(inpainting: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was searched and retrained; tests only read it."""
    run = inpainting.search(tmp_path_factory.mktemp("runs") / "photos")
    inpainting.retrain(run)
    return run
