"""Several seeds of one experiment: each is searched and retrained, and then they are compared."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pdas.distributed.results import result_of
from pdas.experiment.comparison import compare
from pdas.experiment.experiment import Experiment
from pdas.experiment.workers import check_executor, run_processes
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run
from pdas.support.display.shown import Shown
from pdas.support.errors import PdasError, RunError, SettingError, reason
from pdas.support.files import atomic_write, creating_directory
from pdas.support.refusals import is_integer, refuse
from pdas.support.settings import LARGEST_SEED
from pdas.tasks.recipe import Recipe, check_same, recorded

_log = logging.getLogger(__name__)
_alone = threading.Lock()  # torch's random generator is one for all threads of a process

K = TypeVar("K", bound=Hashable)

OnEnd = Callable[[int, str | None], None]


@dataclass(frozen=True)
class Sweep(Shown):
    """The result of a sweep.

    Attributes:
        path: its directory.
        comparison: the content of `sweep.json`.
        failed: by seed that failed, why, in one line.

    Example:
        done = sweep(recipes.load("digits"), [0, 1, 2], Path("sweeps/digits"))
        done.comparison["measures"]["test_error"]["mean"]
    """

    path: Path
    comparison: dict[str, Any]
    failed: dict[int, str]


def sweep(
    experiment: Experiment | Recipe,
    seeds: Sequence[int],
    out: Path,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_begin: Callable[[Sequence[int]], None] = lambda seeds: None,
    on_end: OnEnd = lambda seed, error: None,
) -> Sweep:
    """Search and retrain with each of several seeds, into `out/seed-<n>/`, and compare the results.

    A seed that is finished there is not run again, one that was stopped is resumed. A seed that
    fails does not stop the others. The comparison of the finished ones is written to
    `out/sweep.json`.

    Args:
        experiment: what is run; its own seed does not count.
        seeds: different ones.
        out: a new directory, or that of the same sweep.
        workers: seeds at a time, each in a process of its own on this machine; default one for each
            core, or for each GPU. With more than GPUs several share one.
        executor: runs the seeds instead. It is left open. Its workers need `out` and the data under
            the same names. A process does one seed at a time.
        on_begin: called with the seeds that are not finished.
        on_end: called with each seed that ended, and the error if it failed.

    Returns:
        The comparison, and what failed.

    Raises:
        SettingError: `seeds` are none, there are too many workers, or `out` holds a sweep with
            other settings.
        RunError: `out` holds something else, or cannot be written.
    """
    if not isinstance(experiment, Experiment):
        experiment = Experiment(experiment)
    check_seeds(seeds)
    check_devices(experiment.recipe)
    check_executor(workers, executor)
    _check_same(experiment.recipe, out)
    with creating_directory(out, "--out"):
        made = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
    # By the number of all seeds, not of the unfinished ones: a resumed seed must have as many
    # threads as before, or its sums would be rounded otherwise.
    with run_processes(experiment.recipe, workers, executor, at_most=len(seeds)) as pool:
        unfinished = {
            seed: (replace(experiment, seed=seed), _directory(out, seed))
            for seed in seeds
            if not is_finished(_directory(out, seed), seed)
        }
        on_begin(list(unfinished))
        failed = dict(sorted(run_all(unfinished, pool, on_end).items()))
    done = Sweep(out, _write_comparison(experiment.recipe, seeds, failed, out), failed)
    if made:
        with suppress(OSError):  # it holds a seed that was begun
            out.rmdir()
    return done


def run_all(
    runs: Mapping[K, tuple[Experiment, Path]],
    pool: Executor,
    on_end: Callable[[K, str | None], None],
) -> dict[K, str]:
    """Search and retrain several experiments; one that fails does not stop the others.

    Args:
        runs: an experiment with its seed and the directory of its run, by a name of any kind. They
            begin in this order. A directory may hold the run, unfinished, which is then resumed.
        pool: runs them.
        on_end: called with each name that ended, and the error if it failed.

    Returns:
        The errors by name.
    """
    futures = {
        pool.submit(run_seed, _anywhere(experiment), path.resolve()): name
        for name, (experiment, path) in runs.items()
    }
    failed: dict[K, str] = {}
    try:
        for future in as_completed(futures):
            name, error = futures[future], _error(future)
            if error is not None:
                failed[name] = error
            on_end(name, error)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return failed


def _anywhere(experiment: Experiment) -> Experiment:
    """The same for a worker, which may have another working directory."""
    if experiment.data_dir is None:
        return experiment
    return replace(experiment, data_dir=experiment.data_dir.resolve())


def run_seed(experiment: Experiment, path: Path) -> None:
    """Search, retrain and evaluate in `path`, or resume that.

    Args:
        experiment: with its seed.
        path: the directory of the run.

    Raises:
        PdasError: see `Experiment`.
    """
    with _alone:
        run = experiment.search(path, resume=True)
        experiment.retrain(run, resume=True)


def _error(future: Future[None]) -> str | None:
    try:
        result_of(future)
    except PdasError as error:
        return str(error)
    except StoppedError as error:
        return f"{error}; run the same command again to continue"
    except BrokenExecutor:
        return (
            "its process ended without a word, as where memory runs out, or where a script has the "
            'call outside of `if __name__ == "__main__":`; run the same again, with fewer --workers'
        )
    except Exception as error:  # of a library, or ours; the other seeds continue
        _log.error("sweep: an error that is none of the user", exc_info=error)
        return f"{type(error).__name__}: {reason(error)}"
    return None


def check_seeds(seeds: Sequence[int]) -> None:
    """Check the seeds of several runs.

    Raises:
        SettingError: there are none, two are the same, or one is out of range.
    """
    in_range = all(is_integer(seed) and 0 <= seed <= LARGEST_SEED for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds) or not in_range:
        refuse(
            SettingError,
            "--seeds",
            found=str(list(seeds)),
            expected=f"different ones from 0 to {LARGEST_SEED}",
            remedy="give their number, as 5, or themselves, as 3,7,11",
        )


def check_devices(recipe: Recipe) -> None:
    """Check that each of several runs has a single device.

    Raises:
        SettingError: the recipe asks for more.
    """
    if recipe.device.ranks > 1:
        refuse(
            SettingError,
            "device.devices",
            found=f"{recipe.device.ranks} for each seed of a sweep",
            expected="1",
            remedy="use --workers, since seeds side by side exchange nothing",
        )


def _check_same(recipe: Recipe, out: Path) -> None:
    """Refuse a directory that holds something else than this sweep."""
    names = [path.name for path in out.iterdir()] if out.is_dir() else []
    if names and not any(name == "sweep.json" or name.startswith("seed-") for name in names):
        raise RunError(f"--out: {out} holds something else than a sweep; give another")
    for config in sorted(out.glob("seed-*/config.yaml")):
        check_same(recipe, recorded(Run(config.parent))[0], str(config.parent))


def _directory(out: Path, seed: int) -> Path:
    return Run(out).inner(f"seed-{seed}")


def is_finished(path: Path, seed: int) -> bool:
    """Whether a directory holds a run that is searched and retrained with its seed.

    Args:
        path: of the run.
        seed: of both.
    """
    run = Run(path)
    finished = run.has_config and not run.is_unfinished
    return finished and run.has(f"retrain-{seed}/result.json")


def _write_comparison(
    recipe: Recipe, seeds: Sequence[int], failed: dict[int, str], out: Path
) -> dict[str, Any]:
    """Compare what is finished, and write that beside the seeds, if any was begun."""
    finished = {seed: Run(_directory(out, seed)) for seed in sorted(seeds) if seed not in failed}
    comparison = {
        "recipe": recipe.name,
        **compare(recipe, finished),
        "failed": {str(seed): error for seed, error in sorted(failed.items())},
    }
    if any(out.iterdir()):
        with atomic_write(out / "sweep.json") as file:
            file.write((json.dumps(comparison, indent=2) + "\n").encode())
    return comparison
