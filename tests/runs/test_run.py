"""The files of a run directory."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.space import SearchSpace
from pdas.space.decided import ThetaHistory
from pdas.support.errors import RunError
from pdas.tasks.classification.recipe import ClassificationRecipe
from pdas.tasks.recipe import recorded


def test_metrics_are_a_header_and_a_row_an_epoch(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_metrics([{"step": 1, "loss": 0.5}])
    run.write_metrics([{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}])
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows == [["step", "loss"], ["1", "0.5"], ["2", "0.25"]]


def test_the_configuration_is_read_back(tmp_path: Path) -> None:
    run, recipe = Run(tmp_path), ClassificationRecipe(name="mine")
    run.write_config(recipe, seed=3, data_dir=tmp_path / "x" / ".." / "images")
    assert recorded(Run.open(tmp_path)) == (recipe, 3, tmp_path / "images")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- 1",
        "recipe: {}",
        "{recipe: {name: a, sarch: {}}, seed: 0, data_dir: null}",
        "{recipe: {name: a}, seed: x, data_dir: null}",
        "\0",
    ],
)
def test_a_damaged_configuration_is_one_line_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml: ") as error:
        recorded(Run.open(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_what_is_not_a_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match=f"^run: {tmp_path / name} has no config.yaml"):
        Run.open(tmp_path / name)


def test_the_written_configuration_is_read_whatever_its_recipe_holds(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{recipe: {old: 1}, seed: 3}")
    assert Run.open(tmp_path).raw_config() == {"recipe": {"old": 1}, "seed": 3, "environment": {}}


def test_retrainings_are_the_finished_ones_by_seed(tmp_path: Path) -> None:
    for seed in (10, 9, 0, 3):
        (tmp_path / f"retrain-{seed}").mkdir()
        if seed != 3:
            Run(tmp_path / f"retrain-{seed}").write_json("result.json", {"seed": seed})
    found = [run.read_json("result.json")["seed"] for run in Run(tmp_path).retrainings()]
    assert found == [0, 9, 10]


@pytest.mark.parametrize("content", [None, b"{", b"[1]", b"\xff\xfe"])
def test_json_that_is_missing_or_damaged_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "some.json").write_bytes(content)
    problem = "missing;" if content is None else r"damaged \("
    with pytest.raises(RunError, match=rf"^\S*some\.json: {problem}.*again$"):
        Run(tmp_path).read_json("some.json")


def test_what_has_not_finished_is_told_by_name(tmp_path: Path) -> None:
    search, retraining = tmp_path / "run", tmp_path / "run" / "retrain-0"
    retraining.mkdir(parents=True)
    refusal = (
        "holds a {} that has not finished; continue with --resume, remove it, or give another$"
    )
    (search / "config.yaml").touch()
    (retraining / "config.yaml").touch()
    with pytest.raises(
        RunError, match=r"^run: .*the search has not finished; continue with `pdas search"
    ):
        Run(search).architecture_file()
    for path, name in ((search, "search"), (retraining, "retraining")):
        with pytest.raises(RunError, match=refusal.format(name)), new_directory(path, "--out"):
            pass
    with pytest.raises(RunError, match=r"is a retraining, expected the search.*; give \S*run$"):
        Run(retraining).architecture_file()

    (search / "architecture.json").touch()
    (retraining / "result.json").touch()
    assert Run(search).architecture_file() == search / "architecture.json"
    for path in (search, retraining):
        with pytest.raises(RunError, match="already exists"), new_directory(path, "--out"):
            pass


def test_removing_checkpoints_leaves_what_a_link_leads_to(tmp_path: Path) -> None:
    run, mine = tmp_path / "run", tmp_path / "mine"
    for directory in (run / "checkpoint", mine):
        directory.mkdir(parents=True)
        for name in ("step-000000001.ckpt", "step-000000002.damaged"):
            (directory / name).touch()
    Run(run).remove_checkpoints()
    assert not list(run.iterdir())
    (run / "checkpoint").symlink_to(mine, target_is_directory=True)
    Run(run).remove_checkpoints()
    assert (run / "checkpoint").is_symlink() and (mine / "step-000000001.ckpt").exists()


def test_a_run_that_does_not_write_leaves_everything_as_it_is(tmp_path: Path) -> None:
    space = SearchSpace({"op": ["a", "b"]})
    (tmp_path / "checkpoint").mkdir()
    run = Run(tmp_path, writes=False)
    run.write_config(ClassificationRecipe(name="mine"), seed=3, data_dir=None)
    run.write_json("search.json", {"seconds": 1.0})
    run.write_metrics([{"step": 1, "loss": 0.5}])
    run.write_theta(
        space, ThetaHistory(np.zeros(1), np.full((1, 2), 0.5), np.array([2]), np.ones(1))
    )
    run.write_arrays("restored.npz", psnr=np.ones(3))
    run.write_architecture(space.architecture({"op": "a"}))
    run.write_weights(nn.Linear(2, 3))
    run.remove_checkpoints()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_weights_and_arrays_are_written(tmp_path: Path) -> None:
    run, network, other = Run(tmp_path), nn.Linear(2, 3), nn.Linear(2, 3)
    run.write_weights(network)
    run.read("weights.safetensors", partial(load_weights, other))
    assert torch.equal(other.weight, network.weight)
    run.write_arrays("some.npz", name=np.arange(3))
    with np.load(tmp_path / "some.npz") as file:
        assert file["name"].tolist() == [0, 1, 2]
