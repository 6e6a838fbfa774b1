"""The recipe of ImageNet on a made-up copy: both stages, two processes, and a stop in an epoch."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pdas import recipes
from pdas.distributed.launch import run_ranks
from pdas.report.describe import summarise
from pdas.report.reader import read_summary
from pdas.runs.run import Run
from pdas.spaces.cells.size import count_multiply_adds
from pdas.tasks.classification.classifier import load_classifier
from tests.conftest import without_times
from tests.experiment import imagenet_runs
from tests.experiment.imagenet_runs import ONE_STEP, experiment, retrained
from tests.made_up_photographs import made_up_photographs


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 classes of 3 training images and 1 or 2 others; 37 test images are no multiple of 2."""
    root = made_up_photographs(tmp_path_factory.mktemp("imagenet"), train=3, val=2)
    for folder in sorted((root / "val").iterdir())[:3]:
        next(folder.iterdir()).unlink()
    return root


@pytest.fixture(scope="module")
def found(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    small = experiment(data)
    run = small.search(tmp_path_factory.mktemp("run") / "out")
    retrained(small, run, None, last_rank=0)
    return run


def weights(run: Run) -> dict[str, dict[str, torch.Tensor]]:
    names = ("weights.safetensors", "averaged.safetensors")
    return {name: load_file(run.path / "retrain-0" / name) for name in names}


def same(first: Run, second: Run) -> None:
    """The same weights, averages and results, to the last bit."""
    results = [run.retrainings()[0].read_json("result.json") for run in (first, second)]
    assert without_times(results[0]) == without_times(results[1])
    for name, expected in weights(first).items():
        other = weights(second)[name]
        assert all(torch.equal(value, other[key]) for key, value in expected.items())


def test_it_is_searched_on_small_images_and_retrained_on_large_ones(found: Run, data: Path) -> None:
    task = experiment(data)._opened.task
    assert task.search_example.shape == (1, 3, 32, 32) and task.example.shape == (1, 3, 40, 40)
    assert len(task.search_batches(0)[0].source) == 20  # a half of 2 of 3 images a class
    assert len(task.training_images) == 60
    result = found.retrainings()[0].read_json("result.json")
    assert result["image_shape"] == [3, 40, 40] and result["network"]["stem_stride"] == 4
    network = load_classifier(found.retrainings()[0]).network
    count = count_multiply_adds(result["architecture"], network.settings, (40, 40))
    wider = network.settings.model_copy(update={"channels": network.settings.channels + 1})
    assert result["multiply_adds"] == count <= 150_000
    assert count_multiply_adds(result["architecture"], wider, (40, 40)) > 150_000


def test_the_figures_of_last_and_averaged_weights_are_shown(found: Run) -> None:
    result = found.retrainings()[0].read_json("result.json")
    assert result["images"] == 37
    assert 0 <= result["top5_error"] <= result["test_error"] <= 100
    rows = dict(summarise(read_summary(found.path, lenient=True)))
    for name in ("test error", "top-5 error", "test error, averaged weights"):
        assert rows[name].endswith("%") or "interval" in rows[name]
    kept = weights(found)
    assert set(kept["weights.safetensors"]) == set(kept["averaged.safetensors"])
    last, averaged = (kept[name]["classifier.weight"] for name in kept)
    assert not torch.equal(last, averaged)


def test_the_rate_warms_up(found: Run) -> None:
    file = found.retrainings()[0].path / "metrics.csv"
    rows = csv.DictReader(file.read_text().splitlines())
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([0.1, 0.05])  # of the first epoch, 1/1, and cosine's half


def test_a_retraining_that_is_stopped_in_an_epoch_ends_alike(
    found: Run, data: Path, tmp_path: Path
) -> None:
    small = experiment(data)
    run = small.search(tmp_path / "stopped")
    retrained(small, run, stop_at=5, last_rank=0)  # of 3 steps an epoch
    same(found, run)


@pytest.mark.long
def test_two_processes_stopped_in_an_epoch_end_alike(
    found: Run, data: Path, tmp_path: Path
) -> None:
    places = [data, tmp_path, found.architecture_file()]
    command = [sys.executable, "-m", imagenet_runs.__name__, *map(str, places)]
    assert run_ranks(command, 2) == 0
    whole, stopped = (Run(tmp_path / name) for name in ("whole", "stopped"))
    same(whole, stopped)
    # With synchronised batch norm this is the training of one process, to rounding.
    experiment(data, *ONE_STEP).retrain_file(found.architecture_file(), tmp_path / "one")
    alike = weights(Run(tmp_path / "alike"))
    for name, expected in weights(Run(tmp_path / "one")).items():
        for key, value in alike[name].items():
            torch.testing.assert_close(value, expected[key], rtol=1e-5, atol=1e-5, msg=key)
    # The test images are shared by the ranks, and each counts once.
    small = experiment(data)
    result = whole.retrainings()[0].read_json("result.json")
    alone = small.evaluate(whole.retrainings()[0])
    assert result["images"] == alone["images"] == 37
    assert {key: result[key] for key in alone} == alone


def test_the_recipes_are_those_of_the_publications() -> None:
    whole, part = recipes.load("imagenet"), recipes.load("imagenet-search")
    assert whole.search.of(whole.data) == part.data == part.search.of(part.data)
    for recipe, limit, size in ((whole, 600e6, 224), (part, 150e6, 112)):
        retrain, optimizer = recipe.retrain, recipe.retrain.optimizer
        assert (retrain.epochs, retrain.batch_size, retrain.base_batch) == (250, 256, 256)
        assert (optimizer.learning_rate, optimizer.momentum) == (0.1, 0.9)
        assert (optimizer.weight_decay, retrain.clip, retrain.schedule.warmup) == (3e-5, 5, 5)
        assert (retrain.label_smoothing, retrain.auxiliary_weight) == (0.1, 0.4)
        assert (retrain.drop_path, retrain.cells_per_stage) == (0, 4)  # 14 cells
        assert (retrain.limit.cost, retrain.limit.maximum) == ("multiply_adds", limit)
        assert (recipe.data.image_size, retrain.weight_limit) == (size, None)
        search = recipe.search
        assert (recipe.network.stem_stride, search.samples, search.clip) == (4, 2, 5)
        assert (search.method.name, search.method.eta) == ("pdas", "adaptive")
    eight = recipes.load("imagenet", ["retrain.batch_size=1024"]).retrain.scaled()
    assert eight.optimizer.learning_rate == pytest.approx(0.4)
    assert whole.retrain.scaled().optimizer.learning_rate == 0.1
