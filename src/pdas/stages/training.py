"""What trains: a whole run, its stages by themselves, and a sweep of several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from pdas.distributed.launch import rank
from pdas.experiment.check import Check
from pdas.experiment.control import check_count, controls, write_comparison
from pdas.experiment.experiment import Experiment
from pdas.experiment.sweep import Sweep
from pdas.experiment.sweep import sweep as run_sweep
from pdas.report.page import write_report
from pdas.report.several.page import write_sweep
from pdas.runs.reading import has_file
from pdas.runs.run import Run
from pdas.searches.comparison import OnTrial
from pdas.searches.trials_left import showing_trials
from pdas.stages.arguments import PathText, as_changes, experiment_of, of_run, seeds_of
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.tasks.results import metrics_of
from pdas.training.display import displayed, showing
from pdas.training.loop import OnStep


def run(
    recipe: PathText,
    *,
    data_dir: PathText | None = None,
    seed: int = 0,
    out: PathText | None = None,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
    control: int = 0,
) -> Run:
    """Search, retrain, evaluate and report: the whole experiment of a recipe.

    Args:
        recipe: the name of a shipped recipe, or a YAML file.
        data_dir: where the images are.
        seed: decides everything that is drawn.
        out: a new run directory; default `runs/<recipe>-<seed>`.
        resume: whether `out` may hold this experiment, unfinished, which then continues.
        changes: settings by their dotted names, as `{"search.epochs": 10}`, or in their groups, as
            `{"search": {"epochs": 10}}`.
        progress: as of `pdas.search`.
        control: how many random architectures are retrained under the same conditions, to tell
            whether the found one is better; the answer is in `control.json`.

    Returns:
        The run of `out`.

    Raises:
        PdasError: a setting, the data or the directory does not fit.

    Example:
        run = pdas.run("folder", data_dir="photos")
        pdas.load(run).predict("photo.jpg")
    """
    check_count(control)
    experiment = experiment_of(recipe, data_dir, seed, changes)
    found = _search(experiment, out, resume, progress)
    _retrain(experiment, found, resume, progress)
    for number, each in enumerate(controls(experiment, found, control), start=1):
        with _shown(experiment, f"control {number} of {control}", progress) as (on_step, _):
            each.train(on_step)
    write_comparison(found)
    return _reported(found)


def check(
    recipe: PathText,
    *,
    data_dir: PathText | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
) -> Check:
    """Look at the images of a recipe, and plan the search and the retraining; writes nothing.

    Args:
        recipe: see `run`, as for all arguments.
        data_dir: see `run`.
        seed: see `run`.
        changes: see `run`.

    Returns:
        What is known before the start, as plain data.

    Raises:
        PdasError: see `run`.

    Example:
        found = pdas.stages.check("folder", data_dir="photos")
        found.images.duplicate_pairs, found.search.seconds
    """
    return experiment_of(recipe, data_dir, seed, changes).check()


def search(
    recipe: PathText,
    *,
    data_dir: PathText | None = None,
    seed: int = 0,
    out: PathText | None = None,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Run:
    """Search an architecture into a new run directory.

    Args:
        recipe: see `run`, as for all arguments.
        data_dir: see `run`.
        seed: see `run`.
        out: see `run`.
        resume: see `run`.
        changes: see `run`.
        progress: see `run`.

    Returns:
        The run of `out`, which `retrain` takes.

    Raises:
        PdasError: see `run`.

    Example:
        run = pdas.stages.search("folder", data_dir="photos", out="runs/photos")
    """
    experiment = experiment_of(recipe, data_dir, seed, changes)
    return _reported(_search(experiment, out, resume, progress))


def retrain(
    source: PathText | Run,
    *,
    recipe: PathText | None = None,
    data_dir: PathText | None = None,
    seed: int | None = None,
    out: PathText | None = None,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Run:
    """Retrain the architecture of a run, or of a file on any data, and evaluate it.

    Args:
        source: a run, or its directory; or the file of an architecture.
        recipe: only with a file: on which data, and how; a run has its own.
        data_dir: where the images are; of a run, if they have moved.
        seed: decides everything that is drawn; default that of the run, or 0.
        out: only with a file: a new run directory; default `runs/<recipe>-<file>-<seed>`.
        resume: see `run`.
        changes: see `run`.
        progress: see `run`.

    Returns:
        The run of the retraining, `retrain-<seed>/`.

    Raises:
        SettingError: `recipe` or `out` is missing with a file, or is there with a run.
        PdasError: see `run`.

    Example:
        again = pdas.stages.retrain("runs/photos", seed=1)
        again.read_json("result.json")["test_error"]
    """
    path = source.path if isinstance(source, Run) else Path(source)
    if not path.is_dir():
        if recipe is None:
            _refuse_recipe("none", f"one for the architecture of the file {path}", "add it")
        experiment = experiment_of(recipe, data_dir, seed or 0, changes)
        directory = Path(out or experiment.directory(path.stem))
        with _shown(experiment, "retrain", progress) as (on_step, _):
            experiment.retrain_file(path, directory, on_step, resume=resume)
        _reported(Run(directory))
        return Run(directory / f"retrain-{experiment.seed}")
    if recipe is not None or out is not None:
        _refuse_recipe(f"one beside {path}", "none, since a run has its own", "leave it out")
    found = Run.open(path)
    retrained = _retrain(
        of_run(found, data_dir, seed, as_changes(changes)), found, resume, progress
    )
    _reported(found)
    return retrained


def sweep(
    recipe: PathText,
    seeds: int | Sequence[int] = 5,
    *,
    data_dir: PathText | None = None,
    out: PathText | None = None,
    executor: Executor | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Sweep:
    """Search and retrain with several seeds, and compare; the same call again continues.

    Each seed has a process of its own, which imports the script of the caller. So a script makes
    this call under `if __name__ == "__main__":`.

    Args:
        recipe: see `run`.
        seeds: how many, from 0 on, or which.
        data_dir: see `run`.
        out: a directory; default `runs/<recipe>-sweep`.
        executor: runs the seeds, as Dask's on several machines; default processes of this one.
        changes: see `run`.

    Returns:
        The comparison, and which seeds failed; `report.html` in `out` shows it.

    Raises:
        PdasError: see `run`.

    Example:
        done = pdas.stages.sweep("folder", 3, data_dir="photos")
        done.comparison["measures"]["test_error"]["mean"]
    """
    experiment = experiment_of(recipe, data_dir, 0, changes)
    path = Path("runs") / f"{experiment.recipe.name}-sweep" if out is None else Path(out)
    done = run_sweep(experiment, seeds_of(seeds), path, executor=executor)
    if has_file(done.path / "sweep.json"):  # not where every seed was refused before it began
        write_sweep(done.path)
    return done


def _search(experiment: Experiment, out: PathText | None, resume: bool, progress: bool) -> Run:
    path = experiment.directory() if out is None else Path(out)
    with _shown(experiment, "search", progress) as (on_step, on_trial):
        # The check goes into the report.
        return experiment.search(
            path, on_step, on_trial, resume=resume, on_check=lambda found: None
        )


def _retrain(experiment: Experiment, found: Run, resume: bool, progress: bool) -> Run:
    with _shown(experiment, "retrain", progress) as (on_step, _):
        return experiment.retrain(found, on_step, resume=resume)


@contextmanager
def _shown(experiment: Experiment, label: str, progress: bool) -> Iterator[tuple[OnStep, OnTrial]]:
    """What shows the steps of a stage, and the trainings of finalists."""
    metrics = metrics_of(experiment.recipe.model_dump(mode="json"))
    with displayed(label, progress) as show:
        yield showing(show, metrics=metrics), showing_trials(show)


def _reported(found: Run) -> Run:
    """The run, with its report. Of several ranks the first writes it."""
    if rank() == 0:
        write_report(found.path)
    return found


def _refuse_recipe(found: str, expected: str, remedy: str) -> NoReturn:
    refuse(SettingError, "recipe, out", found=found, expected=expected, remedy=remedy)
