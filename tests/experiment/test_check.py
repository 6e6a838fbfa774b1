"""What is said before an experiment starts, and that saying it changes nothing."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import pdas.stages
from pdas import recipes
from pdas.experiment import check as checking
from pdas.experiment import preparation as preparing
from pdas.experiment.check import Check, check
from pdas.experiment.experiment import Experiment
from pdas.experiment.preparation import prepare
from pdas.kernels.choice import Kernels, Setting
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run
from pdas.searches import run_search as running
from pdas.spaces.cells.size import count_weights
from pdas.training.loop import OnStep
from tests.conftest import TINY, TINY_INPAINTING, changed


def rows_of(file: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(file.read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_a_run_after_a_check_is_the_same_bit_for_bit(
    experiment: Experiment, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST", 4)
    monkeypatch.setattr(checking, "SHORT", 8)
    fresh = changed(experiment)  # with data and devices of its own
    checks: list[Check] = []
    run = fresh.search(tmp_path / "run", on_check=checks.append)
    fresh.retrain(run)
    (checked,) = checks
    assert checked.search.seconds and checked.retraining.seconds  # steps were run
    for name in ("architecture.json", "retrain-0/weights.safetensors"):
        assert (run.path / name).read_bytes() == (finished.path / name).read_bytes()
    for name in ("metrics.csv", "retrain-0/metrics.csv"):
        assert rows_of(run.path / name) == rows_of(finished.path / name)
    assert json.dumps(run.read_json("check.json")) == json.dumps(checked.to_json())


def test_a_check_draws_nothing_from_global_generators(
    experiment: Experiment, tmp_path: Path
) -> None:
    def draws() -> list[float]:
        return [torch.rand(1).item(), float(np.random.rand()), random.random()]

    opened = experiment._opened
    prepared = prepare(experiment.recipe, 0, opened, tmp_path)
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    expected = draws()
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])
    check(experiment.recipe, 0, opened, prepared)
    assert draws() == expected


@pytest.fixture(scope="module")
def found(experiment: Experiment) -> Check:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "SHORT", 1000)
        return experiment.check()


def test_the_plan_has_the_weights_of_both_networks(experiment: Experiment, found: Check) -> None:
    task = experiment._opened.task
    assert found.search.weights == sum(p.numel() for p in task.supernet().parameters())
    assert (found.search.method, found.search.steps, found.search.warmup) == ("pdas", 10, 0)
    drawn = task.space.uniform(np.random.default_rng(0))
    channels = found.retraining.changed["channels"]
    assert found.retraining.changed == {"channels": (4, channels[1])}
    size = task.family.retrained_size(
        task.size, drawn.to_dict(), experiment.recipe.retrain, task.images.train.image_shape
    )
    assert channels[1] == size.channels > 4
    assert found.retraining.weights == count_weights(drawn, size) <= 20000
    assert found.retraining.weight_limit == 20000 and found.retraining.steps == 20
    assert found.search.seconds is None and found.retraining.seconds is None


def test_from_python_a_check_is_the_same(found: Check) -> None:
    values = dict(change.split("=") for change in TINY)
    checked = pdas.stages.check("digits", changes=values)
    assert checked.images == found.images
    assert checked.search.weights == found.search.weights
    assert checked.retraining.changed == found.retraining.changed


def test_the_images_are_those_in_use(found: Check) -> None:
    assert found.images.images == {"train": 320, "test": 359}
    assert found.images.classes and found.images.classes["4"] == {"train": 25, "test": 36}


def test_a_method_that_does_not_train_has_no_search(experiment: Experiment) -> None:
    plan = changed(experiment, "search.method=random").check().search
    assert (plan.method, plan.weights, plan.steps, plan.seconds) == ("random", 0, 0, 0.0)


def test_networks_of_one_size_have_no_changes() -> None:
    recipe = recipes.load("inpaint-photos", TINY_INPAINTING)
    found = Experiment(recipe).check()
    assert found.images.classes is None
    assert found.retraining.changed == {} and found.retraining.weight_limit is None
    assert found.search.seconds is None and found.retraining.seconds is None  # too short


def test_the_time_is_that_of_the_parts_of_a_search(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of a warm-up take 1 s, others 10 s, those of a retraining 3 s."""
    speeds: Iterator[float] = iter([10.0, 1.0, 3.0])
    monkeypatch.setattr(checking, "_seconds_per_step", lambda train: next(speeds))
    longer = ["search.epochs=20", "search.warmup=0.5", "search.finalists=2"]
    longer += ["search.finalists_share=0.2", "retrain.epochs=20"]
    found = changed(experiment, *longer).check()
    steps, warmup = found.search.steps, found.search.warmup
    trials = 0.2 * 100 * 2 * (4 / 3)  # training passes, two of which make a step of a warm-up
    assert found.search.finalists == 2 and 0 < warmup < steps
    assert found.search.seconds == pytest.approx(warmup + trials / 2 + 10 * (steps - warmup))
    assert found.retraining.seconds == 3.0 * found.retraining.steps


def test_it_is_measured_with_the_operators_of_the_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def choose(network: nn.Module, setting: Setting, *_: object) -> Kernels:
        asked.append(setting)
        return Kernels(False, "as set")

    for module in (preparing, running):  # of what is said and retrained, and of the search
        monkeypatch.setattr(module, "choose_kernels", choose)
    longer = ("search.epochs=20", "retrain.epochs=20", "device.kernels=library")
    assert changed(experiment, *longer).check().kernels == "library (as set)"
    assert len(asked) >= 2 and set(asked) == {"library"}


@pytest.mark.parametrize(
    ("per_step", "steps"), [(0.01, checking.MOST), (0.5, 5), (60.0, checking.FEWEST)]
)
def test_few_steps_are_measured_without_the_first(
    monkeypatch: pytest.MonkeyPatch, per_step: float, steps: int
) -> None:
    """`steps` is the number that is measured."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(checking, "perf_counter", lambda: clock.now)
    done = []

    def train(on_step: OnStep) -> None:
        for i in count():
            clock.now += per_step if i else 1000.0  # the first step prepares much
            done.append(i)
            on_step(None)  # type: ignore[arg-type]

    assert checking._seconds_per_step(train) == pytest.approx(per_step)
    assert len(done) == steps + 1


def test_ctrl_c_while_steps_are_measured_names_no_step_to_continue_from() -> None:
    def stopped(on_step: OnStep) -> None:
        raise StoppedError(2)

    with pytest.raises(KeyboardInterrupt):
        checking._seconds_per_step(stopped)
