"""A whole experiment from Python: what `pdas run` does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pdas import recipes
from pdas.experiment.control import check_count, controls, write_comparison
from pdas.experiment.stages import Experiment
from pdas.runs.run import Run
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.tasks.results import metrics_of
from pdas.training.display import displayed, showing, showing_trials


def run(
    recipe: str,
    *,
    data_dir: str | Path | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
    control: int = 0,
) -> Run:
    """Search, retrain and evaluate: the whole experiment of a recipe.

    Args:
        recipe: the name of a shipped recipe, or a YAML file.
        data_dir: where the images are.
        seed: decides everything that is drawn.
        out: a new run directory; default `runs/<recipe>-<seed>`.
        resume: whether `out` may hold this experiment, unfinished, which then continues.
        changes: settings by their dotted names, as `{"search.epochs": 10}`.
        progress: as of `pdas.search`.
        control: how many random architectures are retrained under the same conditions, to tell
            whether the found one is better; the answer is in `control.json`.

    Returns:
        The run of `out`.

    Raises:
        PdasError: a setting, the data or the directory does not fit.

    Example:
        run = pdas.run("folder", data_dir="photos")
        pdas.load(run.path).predict("photo.jpg")
    """
    check_count(control)
    if changes is not None and not isinstance(changes, Mapping):
        refuse(
            SettingError,
            "changes",
            found=type(changes).__name__,
            expected='a mapping, as {"search.epochs": 10}',
        )
    chosen = recipes.load(recipe, recipes.as_changes(changes or {}))
    folder = None if data_dir is None else Path(data_dir)
    experiment = Experiment(chosen, seed, folder)
    path = Path("runs") / f"{chosen.name}-{seed}" if out is None else Path(out)
    metrics = metrics_of(chosen.model_dump(mode="json"))
    with displayed("search", progress) as show:
        on_step, on_trial = showing(show, metrics=metrics), showing_trials(show)
        found = experiment.search(path, on_step, on_trial, resume=resume)
    with displayed("retrain", progress) as show:
        experiment.retrain(found, showing(show, metrics=metrics), resume=resume)
    for number, each in enumerate(controls(experiment, found, control), start=1):
        with displayed(f"control {number} of {control}", progress) as show:
            each.train(showing(show, metrics=metrics))
    write_comparison(found)
    return found
