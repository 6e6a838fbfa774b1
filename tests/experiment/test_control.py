"""Controls are random architectures, trained as the found one was, and not twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pdas
from pdas.experiment.control import (
    check_count,
    compare_with_controls,
    control_seed,
    controls,
    finished_controls,
    write_comparison,
)
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.support.errors import RunError, SettingError
from pdas.tasks.loading import recipe_space
from pdas.tasks.recipe import recorded
from pdas.training.loop import Progress
from tests.conftest import TINY

Add = Callable[..., Path]


@pytest.fixture(scope="module")
def controlled(experiment: Experiment, finished: Run, tmp_path_factory: Any) -> tuple[Run, Any]:
    """A run with one control that was interrupted, continued, and asked for again; the steps."""
    path = tmp_path_factory.mktemp("controlled") / "run"
    run = Run(Path(shutil.copytree(finished.path, path)))
    (control,) = controls(experiment, run, 1)
    steps: list[list[int]] = [[], [], []]

    def interrupt(progress: Progress) -> None:
        steps[0].append(progress.step)
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        control.train(interrupt)
    for later in steps[1:]:
        control.train(lambda progress, later=later: later.append(progress.step))
    write_comparison(run)
    return run, steps


def test_a_control_is_drawn_uniformly_and_trained_as_the_found_one(
    experiment: Experiment, controlled: tuple[Run, Any]
) -> None:
    run, _ = controlled
    (control,) = finished_controls(run)
    recipe, seed, _ = recorded(control)
    assert seed == control_seed(0, 1) == 1001
    assert recipe.search.method.name == "random"
    plain = recipe.model_dump(mode="json")
    assert plain | {"search": 0} == experiment.recipe.model_dump(mode="json") | {"search": 0}
    drawn = recipe_space(recipe).uniform(np.random.default_rng(1001))
    assert control.read_json("result.json")["architecture"] == drawn.to_dict()
    for name in ("test_images", "training_images"):
        assert control.raw_config()[name] == run.retrainings()[0].raw_config()[name]


def test_a_control_that_was_interrupted_is_continued_and_a_finished_one_is_kept(
    controlled: tuple[Run, Any],
) -> None:
    _, (before, after, again) = controlled
    assert before == [1, 2, 3]
    assert 1 < after[0] <= 4 and after[-1] == 20
    assert again == []


def test_the_comparison_is_kept_beside_them(controlled: tuple[Run, Any]) -> None:
    run, _ = controlled
    content = run.read_json("control.json")
    results = [
        each.read_json("result.json") for each in (*run.retrainings(), *finished_controls(run))
    ]
    found, drawn = (result["test_error"] for result in results)
    assert content["found"] == {"retrain-0": found}
    assert content["controls"] == {"control-1": drawn}
    assert content["gain"] == pytest.approx(drawn - found)
    assert content["better"] is None


def test_controls_of_other_settings_are_refused(
    experiment: Experiment, controlled: tuple[Run, Any]
) -> None:
    run, _ = controlled
    other = experiment.recipe.retrain.model_copy(update={"batch_size": 16})
    recipe = experiment.recipe.model_copy(update={"retrain": other})
    with pytest.raises(SettingError, match=r"retrain\.batch_size: found 16, expected"):
        controls(replace(experiment, recipe=recipe), run, 1)[0].train()


def test_seeds_are_shared_by_no_two_controls() -> None:
    seeds = [control_seed(seed, number) for seed in range(20) for number in range(1, 1000)]
    assert len({*seeds, *range(20)}) == len(seeds) + 20
    assert 0 <= control_seed(2**32 - 1, 999) < 2**32


@pytest.mark.parametrize("count", [-1, 1000, 1.5, True, "3"])
def test_a_count_that_makes_no_sense_is_refused(count: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^control: found "):
        check_count(count)
    with pytest.raises(SettingError, match=r"^control: found "):
        pdas.run("digits", out=tmp_path / "run", control=count)
    assert not (tmp_path / "run").exists()


def test_a_link_takes_the_place_of_no_control(
    experiment: Experiment, make_run: Callable[..., Path], tmp_path: Path
) -> None:
    run = make_run()
    (run / "control-1").symlink_to(tmp_path)
    with pytest.raises(RunError, match="is a link"):
        controls(experiment, Run(run), 1)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(RunError, match="is a link"):
        finished_controls(Run(run))


def add_control(add: Add, run: Path, number: int, result: dict[str, Any], recipe: Any) -> None:
    (run / f"control-{number}").mkdir()
    (run / f"control-{number}" / "config.yaml").touch()
    add(run / f"control-{number}", 1000 + number, result, recipe)


def test_the_direction_and_the_settings_decide_what_is_compared(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    recipe = {"name": "x", "task": "inpainting", "retrain": {"steps": 3}, "search": {}}
    run = make_run(errors=(), recipe=recipe)
    add_retraining(run, 0, {"psnr": 30.0, "ssim": 0.1}, recipe | {"search": {"epochs": 3}})
    add_retraining(run, 1, {"psnr": 10.0}, recipe | {"retrain": {"steps": 9}})
    assert compare_with_controls(Run(run)) is None
    for number, psnr in enumerate((20.0, 21.0, 22.0), start=1):
        add_control(add_retraining, run, number, {"psnr": psnr, "ssim": 0.9}, recipe)
    compared = compare_with_controls(Run(run))
    assert compared is not None
    assert compared.metric.key == "psnr"
    assert compared.found == {"retrain-0": 30.0}
    assert list(compared.controls) == ["control-1", "control-2", "control-3"]
    assert compared.gain == 9.0 and compared.is_better is True


def test_controls_of_other_settings_than_the_retrainings_are_not_compared(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=())
    add_retraining(run, 0, {"test_error": 3.0}, {"name": "x", "retrain": {"epochs": 3}})
    other = {"name": "x", "retrain": {"epochs": 9}}
    add_control(add_retraining, run, 1, {"test_error": 3.0}, other)
    assert compare_with_controls(Run(run)) is None


def test_a_whole_experiment_has_its_controls(tmp_path: Path) -> None:
    settings = dict(change.split("=") for change in TINY)
    quick = {"search.method": "random", "data.train_images": "100", "retrain.epochs": "1"}
    run = pdas.run("digits", out=tmp_path / "run", changes=settings | quick, control=2)
    assert len(run.read_json("control.json")["controls"]) == 2
