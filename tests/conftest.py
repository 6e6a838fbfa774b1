"""What the tests of several rooms share: one tiny experiment, done once."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
import torch

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from tests.made_up_runs import *  # noqa: F403 - fixtures

# A change of the code makes a test fail, not luck or a busy machine; the long tests look further.
hypothesis.settings.register_profile("same examples", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same examples")


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    """What a `result.json` says that is the same whenever it is measured."""
    return {key: value for key, value in result.items() if "latency" not in key}


TINY = (
    "data.train_images=320",  # 5 steps an epoch of search, 10 of retraining
    "network.nodes=2",
    "network.channels=4",
    "search.epochs=2",
    "retrain.epochs=2",
    "retrain.weight_limit=20000",
    "device.accelerator=cpu",
)
PAPER_SEARCH = (  # in two steps there is nothing else
    "search.theta_samples=null",
    "search.method=pdas",  # with the settings of the paper
    "search.finalists=0",
    "search.finalists_share=0",
)
TINY_INPAINTING = (
    *PAPER_SEARCH,
    "data.crops=8",
    "data.test_images=1",
    "data.image_size=16",
    "network.layers=2",
    "network.channels=[4, 8]",
    "search.steps=2",
    "search.batch_size=4",
    "retrain.steps=2",
    "retrain.batch_size=4",
    "device.accelerator=cpu",
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Networks this small are slower on two threads, and much slower where cores are busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> None:
    """Ctrl-C is what it is at a terminal, also where a script runs the tests in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def experiment() -> Experiment:
    """A whole experiment on digits that takes a few seconds."""
    return Experiment(recipes.load("digits", TINY), seed=0)


@pytest.fixture(scope="session")
def finished(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was searched and retrained; tests only read it."""
    run = experiment.search(tmp_path_factory.mktemp("runs") / "digits")
    experiment.retrain(run)
    return run


def changed(experiment: Experiment, *changes: str) -> Experiment:
    return replace(experiment, recipe=recipes.change(experiment.recipe, changes))
