"""Whole experiments on digits, with tiny networks."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import Tensor, nn

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.report.describe import summarise
from pdas.report.reader import read_summary
from pdas.report.values import count_text
from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.size import count_weights
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import DataError, RunError, SettingError, SpaceError
from pdas.tasks.classification.classifier import load_classifier
from pdas.tasks.classification.recipe import ClassificationRecipe
from pdas.tasks.loading import load
from pdas.tasks.recipe import recorded
from tests.conftest import TINY, changed


def summary_rows(run: Path) -> list[tuple[str, str]]:
    return summarise(read_summary(run, lenient=True))


def network_of(retrained: Run) -> CellNetwork:
    return load_classifier(retrained).network


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def test_a_run_leaves_every_file(finished: Run) -> None:
    files = {str(file.relative_to(finished.path)) for file in finished.path.rglob("*")}
    assert files == {
        "config.yaml",
        "architecture.json",
        "search.json",
        "last_look.json",
        "metrics.csv",
        "theta.npz",
        "retrain-0",
        "retrain-0/config.yaml",
        "retrain-0/metrics.csv",
        "retrain-0/mistakes.npz",
        "retrain-0/result.json",
        "retrain-0/test_scores.npz",
        "retrain-0/weights.safetensors",
    }
    config = yaml.safe_load((finished.path / "config.yaml").read_text())
    assert {"torch", "numpy", "pdas", "python", "cores"} <= config["environment"].keys()


def test_the_search_says_how_far_theta_is_decided_and_that_it_learned(finished: Run) -> None:
    found, last = finished.read_json("search.json"), rows_of(finished.path / "metrics.csv")[-1]
    assert found["learned"] is True
    for name in ("decided", "convergence"):
        assert found[name] == float(last[name])
    assert 0 < found["decided"] <= 1


def test_the_history_of_theta_starts_uniform_and_ends_at_the_architecture(finished: Run) -> None:
    space = cell_space(2, recipes.load("digits").network.operations)
    history = np.load(finished.path / "theta.npz")
    assert history["names"].tolist() == list(space.names)
    assert history["steps"].tolist() == [0, 5, 10]
    sizes = history["sizes"]
    np.testing.assert_allclose(history["theta"][0], np.repeat(1 / sizes, sizes))
    bounds = [1 - min(1 / len(space), (K - 1) / (2 * K)) for K in history["sizes"]]
    np.testing.assert_allclose(history["theta_max"], bounds)
    last = np.split(history["theta"][-1], sizes.cumsum()[:-1])
    np.testing.assert_allclose([row.sum() for row in last], 1)
    found = space.load(finished.path / "architecture.json")
    np.testing.assert_array_equal([row.argmax() for row in last], found.indices)


def test_metrics_have_a_row_an_epoch_and_the_rate_follows_the_cosine(finished: Run) -> None:
    rows = rows_of(finished.path / "metrics.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.025, 0.0125])
    assert all(0 < float(row["accuracy"]) < 1 for row in rows)
    retrained = rows_of(finished.path / "retrain-0" / "metrics.csv")
    assert [float(row["drop_path"]) for row in retrained] == pytest.approx([0.0, 0.1])
    assert float(retrained[1]["loss"]) < float(retrained[0]["loss"])


def test_the_recorded_error_is_that_of_the_saved_weights(
    experiment: Experiment, finished: Run
) -> None:
    (retrained,) = finished.retrainings()
    result = retrained.read_json("result.json")
    measured = experiment.evaluate(retrained)
    assert measured == {key: result[key] for key in measured}
    network = network_of(retrained)
    assert result["params"] == sum(p.numel() for p in network.parameters())
    assert result["params"] <= 20000
    assert result["params"] == count_weights(result["architecture"], network.settings)


def test_the_latency_of_the_network_is_recorded(finished: Run) -> None:
    result = finished.retrainings()[0].read_json("result.json")
    for key in ("latency", "batch_latency"):
        assert 0 < result[key] <= result[f"{key}_p95"]
    rows, number = dict(summary_rows(finished.path)), r"\d+\.\d{3}"
    text = rf"{number} ms \(95th percentile {number}\)"
    assert re.fullmatch(text, rows["latency of one input"])
    assert rows["latency of a batch"].startswith(f"{result['batch_latency']:.3f} ms")


def test_the_multiply_adds_are_those_of_every_convolution_and_the_classifier(
    finished: Run,
) -> None:
    (retrained,) = finished.retrainings()
    network, products = network_of(retrained), []

    def count(layer: nn.Module, inputs: tuple[Tensor], out: Tensor) -> None:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            products.append(layer.weight[0].numel() * out.numel())

    for layer in network.modules():
        layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.rand(1, 1, 8, 8))
    assert retrained.read_json("result.json")["multiply_adds"] == sum(products) > 1000
    assert dict(summary_rows(finished.path))["multiply-adds"] == count_text(sum(products))


def test_prediction_is_that_of_the_network_and_files_equal_tensors(
    finished: Run, tmp_path: Path
) -> None:
    classifier = load(finished.path)
    images = torch.randint(256, (3, 1, 8, 8), dtype=torch.uint8)
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for image, file in zip(images, files, strict=True):
        Image.fromarray(image[0].numpy()).save(file)
    predictions = classifier.predict(files)
    assert predictions == classifier.predict(images)
    result = finished.retrainings()[0].read_json("result.json")
    x = (images.float() / 255 - torch.tensor(result["mean"])) / torch.tensor(result["std"])
    probabilities = network_of(finished.retrainings()[0])(x).softmax(1).detach()
    for prediction, row in zip(predictions, probabilities, strict=True):
        assert prediction.label == result["classes"][int(row.argmax())]
        assert prediction.probability == pytest.approx(float(row.max()), abs=1e-5)
    with pytest.raises(DataError, match="uint8"):
        classifier.predict(images.float())


def test_another_seed_retrains_beside_the_first(
    experiment: Experiment, finished: Run, tmp_path: Path
) -> None:
    run = Run(Path(shutil.copytree(finished.path, tmp_path / "copy")))
    replace(experiment, seed=1).retrain(run)
    first, second = run.retrainings()
    assert (first.path.name, second.path.name) == ("retrain-0", "retrain-1")
    results = [retrained.read_json("result.json") for retrained in (first, second)]
    # Training images of the same statistics: no image that the search saw is now one of the test.
    assert results[0]["mean"] == results[1]["mean"]
    assert experiment.evaluate(second)["test_error"] == results[1]["test_error"]
    assert network_of(first).stem[0].weight.ne(network_of(second).stem[0].weight).any()
    with pytest.raises(RunError, match="retrain-1 already exists"):
        replace(experiment, seed=1).retrain(run)


def test_a_retraining_may_not_move_the_split_of_its_search(
    experiment: Experiment, finished: Run
) -> None:
    for change in ("data.test_fraction=0.3", "data.split_seed=1", "data.name=cifar10"):
        setting = change.partition("=")[0]
        with pytest.raises(SettingError, match=rf"^{setting}: found .* as in the search"):
            replace(changed(experiment, change), seed=7).retrain(finished)
    assert not (finished.path / "retrain-7").exists()


def test_evaluation_on_other_images_is_refused(finished: Run, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.fromarray(np.full((8, 8), 60 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
    recipe = recipes.load("folder", ("data.image_size=8", "data.channels=1", "data.cutout=0"))
    with pytest.raises(DataError, match="--data-dir: found other images for the test"):
        Experiment(recipe, 0, tmp_path).evaluate(finished.retrainings()[0])


def test_the_weights_are_kept_if_the_test_fails(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = changed(experiment, "data.train_images=100", "retrain.epochs=1", "search.method=random")
    run = short.search(tmp_path / "run")

    def fail(*arguments: object) -> float:
        raise RuntimeError

    monkeypatch.setattr("pdas.tasks.classification.task.predictions", fail)
    with pytest.raises(RuntimeError):
        short.retrain(run)
    assert (run.path / "retrain-0" / "weights.safetensors").exists()


def test_random_draws_uniformly_by_the_seed(experiment: Experiment, tmp_path: Path) -> None:
    control = changed(experiment, "search.method=random")
    space = cell_space(2, experiment.recipe.network.operations)
    for seed in (0, 1):
        run = replace(control, seed=seed).search(tmp_path / str(seed))
        expected = space.uniform(np.random.default_rng(seed))
        assert space.load(run.path / "architecture.json") == expected
        assert not (run.path / "theta.npz").exists()
        assert "learned" not in run.read_json("search.json")


def test_an_architecture_is_retrained_on_other_data_with_other_nodes(
    finished: Run, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 200)):
        (data / name).mkdir(parents=True)
        for i in range(40):
            pixels = rng.integers(level - 40, level + 40, (10, 10, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(data / name / f"{i}.png")
    changes = ("data.image_size=10", "data.pad=1", "data.cutout=0", "retrain.batch_size=8")
    short = ("retrain.epochs=5", "retrain.cells_per_stage=1", "retrain.drop_path=0")
    recipe = recipes.load("folder", (*changes, *short, "retrain.weight_limit=20000"))
    given = finished.path / "architecture.json"
    run = Experiment(recipe, 0, data).retrain_file(given, tmp_path / "out")
    assert run.read_json("architecture.json") == finished.read_json("architecture.json")
    result = run.retrainings()[0].read_json("result.json")
    assert result["classes"] == ["dark", "light"]
    assert result["test_error"] < 50
    (tmp_path / "x.json").write_text('{"a": "b"}')
    with pytest.raises(SpaceError, match=r"x\.json: architecture: found no cells"):
        Experiment(recipe, 0, data).retrain_file(tmp_path / "x.json", tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_an_impossible_weight_limit_is_found_before_the_search(
    experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"retrain\.weight_limit"):
        changed(experiment, "retrain.weight_limit=100").search(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["config.yaml", "retrain-0/result.json"])
def test_damaged_files_are_named(finished: Run, tmp_path: Path, damage: str) -> None:
    run = Run(Path(shutil.copytree(finished.path, tmp_path / "copy")))
    (run.path / damage).write_text("{")
    with pytest.raises(RunError, match=Path(damage).name):
        recorded(run)
        run.retrainings()[0].read_json("result.json")


def test_damaged_weights_are_named(finished: Run, tmp_path: Path) -> None:
    run = Run(Path(shutil.copytree(finished.path, tmp_path / "copy")))
    (run.path / "retrain-0" / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"weights\.safetensors"):
        load(run.path)


def test_a_directory_that_is_not_empty_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(RunError, match="--out"), new_directory(tmp_path, "--out"):
        pass
    assert (tmp_path / "mine").read_text() == "x"


def test_the_same_seed_gives_the_same_run_in_a_fresh_process_and_another_seed_another(
    experiment: Experiment, finished: Run, tmp_path: Path
) -> None:
    def theta(run: Path) -> np.ndarray:
        return np.load(run / "theta.npz")["theta"]

    fresh = tmp_path / "fresh"
    command = [sys.executable, "-m", "pdas.cli", "search", "digits", "--out", str(fresh)]
    changes = [word for change in TINY for word in ("--set", change)]
    subprocess.run(
        [*command, *changes],
        check=True,
        capture_output=True,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )
    np.testing.assert_array_equal(theta(fresh), theta(finished.path))
    architecture = (finished.path / "architecture.json").read_text()
    assert (fresh / "architecture.json").read_text() == architecture
    other = replace(experiment, seed=1).search(tmp_path / "other")
    assert not np.array_equal(theta(other.path), theta(finished.path))


def test_recipe_of_a_run_is_read_back(experiment: Experiment, finished: Run) -> None:
    recipe, seed, data_dir = recorded(finished)
    assert isinstance(recipe, ClassificationRecipe)
    assert (recipe, seed, data_dir) == (experiment.recipe, 0, None)


def test_in_mixed_precision_the_losses_are_about_the_same(
    experiment: Experiment, tmp_path: Path
) -> None:
    def losses(precision: str) -> list[float]:
        short = changed(
            experiment,
            f"device.precision={precision}",
            "data.train_images=200",
            "search.epochs=1",
            "retrain.epochs=1",
        )
        run = short.search(tmp_path / precision)
        short.retrain(run)
        files = (run.path / "metrics.csv", run.path / "retrain-0" / "metrics.csv")
        return [float(rows_of(file)[0]["loss"]) for file in files]

    assert losses("bf16-mixed") == pytest.approx(losses("32-true"), rel=0.05)


def test_a_folder_that_has_grown_is_not_split_anew(tmp_path: Path) -> None:
    def picture(label: str, name: str) -> None:
        rng = np.random.default_rng(len(name))
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / label / name)

    for label in "ab":
        for i in range(8):
            picture(label, f"{i:0{i + 2}}.png")
    changes = ("data.image_size=8", "data.pad=0", "data.cutout=0", "search.method=random")
    short = ("retrain.epochs=1", "retrain.batch_size=2", "retrain.cells_per_stage=1")
    small = ("search.batch_size=2", "network.nodes=1", "retrain.weight_limit=9000")
    experiment = Experiment(
        recipes.load("folder", (*changes, *short, *small)), 0, tmp_path / "data"
    )
    run = experiment.search(tmp_path / "run")
    experiment.retrain(run)
    (retrained,) = run.retrainings()
    experiment.evaluate(retrained)
    picture("a", "0a.png")
    experiment = replace(experiment)  # which opens the images anew, as another process does
    other = changed(experiment, "data.flip=false", "data.image_size=9")
    for again in (
        lambda: experiment.evaluate(retrained),
        lambda: experiment.retrain(run),
        lambda: other.retrain(run),
    ):
        with pytest.raises(DataError, match="found other images for the test"):
            again()


def test_the_weight_limit_is_that_of_what_is_known(experiment: Experiment, tmp_path: Path) -> None:
    heavy = "expected at least (.*), the weights of the heaviest architecture of this space"
    with pytest.raises(SettingError, match=heavy) as refused:
        changed(experiment, "retrain.weight_limit=1").search(tmp_path / "a")
    least = int(re.search(heavy, str(refused.value)).group(1))  # type: ignore[union-attr]
    tight = changed(experiment, f"retrain.weight_limit={least - 1}")
    with pytest.raises(SettingError, match=heavy):
        tight.search(tmp_path / "a")
    changed(tight, "search.method=random").search(tmp_path / "b")
