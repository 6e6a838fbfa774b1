"""A comparison: every row with every seed, each a run of its own, and then the table.

DIR/comparison.json            what was asked for, and the results
DIR/<row>/seed-<n>/            an ordinary run: searched and retrained with that seed
DIR/<row>/seed-<n>/retrain-<n>/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from pdas.comparing.checking import checked_passes, fitting
from pdas.comparing.record import FILE, AskedRow, Record
from pdas.comparing.results import Comparison, read_results
from pdas.comparing.rows import ALL, Row, names_of, row
from pdas.experiment.experiment import Experiment
from pdas.experiment.preparation import open_all
from pdas.experiment.sweep import (
    check_devices,
    check_seeds,
    is_finished,
    run_all,
)
from pdas.experiment.workers import check_executor, run_processes
from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.support.files import atomic_write, creating_directory, locked_directory
from pdas.support.writing.parts import is_part
from pdas.tasks.recipe import check_same, recorded

Place: TypeAlias = tuple[str, int]
"""A run: the name of its row, and its seed."""


def run_comparison(
    experiment: Experiment,
    methods: str | Sequence[str],
    seeds: Sequence[int],
    out: Path,
    *,
    budget: str = "equal",
    workers: int | None = None,
    executor: Executor | None = None,
    on_begin: Callable[[Sequence[Place]], None] = lambda runs: None,
    on_end: Callable[[Place, str | None], None] = lambda run, error: None,
) -> Comparison:
    """Run every row with every seed, into `out/<row>/seed-<n>/`, and compare the rows.

    A run that is finished there is not done again, one that was stopped is resumed. One that fails
    does not stop the others. Rows begin in their order, so that the first ones are complete where
    time is short.

    Args:
        experiment: of the recipe; its own seed does not count.
        methods: names of rows, or "all".
        seeds: different ones.
        out: a new directory, or that of the same comparison, to which rows and seeds may be added.
        budget: "equal" gives each search the passes of the recipe's `search.epochs`, "published" as
            many as its publication.
        workers, executor: see `pdas.experiment.sweep.sweep`.
        on_begin: called with the runs that are not finished.
        on_end: called with each run that ended, and the error if it failed.

    Returns:
        The results of all rows in `out`, also of those that were asked for before.

    Raises:
        SettingError: a row or a seed is unknown or does not fit, a budget is too small, or `out` is
            of another comparison.
        DataError: the images are missing, broken, or other ones than before.
        RunError: `out` holds something else, is in use, or cannot be written.
    """
    check_seeds(seeds)
    check_devices(experiment.recipe)
    check_executor(workers, executor)
    before = _record_in(out)
    rows = _rows(experiment, methods, budget)
    runs = [(each, seed) for each in rows for seed in seeds]
    _check_runs(rows, out)
    unfinished = {
        (each.name, seed): (replace(experiment, recipe=each.recipe, seed=seed), path)
        for each, seed in runs
        if not is_finished(path := _directory(out, each, seed), seed)
    }
    record = _asked(experiment, rows, seeds, budget, {name for name, _ in unfinished}, before)
    if before is not None:
        record = record.and_before(before, out)
    with creating_directory(out, "--out"):
        out.mkdir(parents=True, exist_ok=True)
    with locked_directory(out):
        _write(out, record.to_json())
        on_begin(list(unfinished))
        # As many threads for each run however few are left, so that a resumed one is the same.
        with run_processes(experiment.recipe, workers, executor) as pool:
            failed = run_all(unfinished, pool, on_end)
        return write_results(out, record.with_failed(failed))


def write_results(out: Path, record: Record | None = None) -> Comparison:
    """Compare what is finished in a directory, and write `comparison.json` there.

    Args:
        out: of the comparison.
        record: what was asked for; None reads it there.

    Raises:
        RunError: the directory holds no comparison, or a file is missing or damaged.
    """
    done = read_results(out, record)
    _write(out, done.to_json())
    return done


def _rows(experiment: Experiment, methods: str | Sequence[str], budget: str) -> list[Row]:
    names = names_of(methods)
    if ALL in names:
        opened = open_all(experiment.recipe, experiment.data_dir, experiment.download)
        every = fitting(experiment, opened, budget)
        names = list(
            dict.fromkeys(each for name in names for each in (every if name == ALL else [name]))
        )
    return [row(name, experiment.recipe, budget) for name in dict.fromkeys(names)]


def _asked(
    experiment: Experiment,
    rows: Sequence[Row],
    seeds: Sequence[int],
    budget: str,
    unfinished: set[str],
    before: Record | None,
) -> Record:
    """What is asked for now; rows with runs to do are checked."""
    known = {} if before is None else before.rows
    images = {} if before is None else before.images
    passes = {name: row.passes for name, row in known.items()}
    begin = [each for each in rows if each.name in unfinished or each.name not in known]
    if begin:
        opened = open_all(experiment.recipe, experiment.data_dir, experiment.download)
        images = opened.fingerprints
        passes |= checked_passes(experiment, begin, opened, budget)
    asked = {each.name: AskedRow(each.form, passes[each.name], tuple(seeds)) for each in rows}
    return Record(experiment.recipe.model_dump(mode="json"), budget, images, asked)


def _record_in(out: Path) -> Record | None:
    """What was asked for in a directory; None if it is new.

    Raises:
        RunError: it holds something else.
    """
    if not out.is_dir():
        return None
    if Run(out).has(FILE):
        return Record.read(out)
    if not all(map(is_part, out.iterdir())):
        raise RunError(f"--out: {out} holds something else than a comparison; give another")
    return None


def _check_runs(rows: Sequence[Row], out: Path) -> None:
    """Refuse runs that were begun with other settings."""
    for each in rows:
        for config in sorted((out / each.directory).glob("seed-*/config.yaml")):
            check_same(each.recipe, recorded(Run(config.parent))[0], str(config.parent))


def _directory(out: Path, each: Row, seed: int) -> Path:
    return Run(Run(out).inner(each.directory)).inner(f"seed-{seed}")


def _write(out: Path, content: dict[str, object]) -> None:
    with atomic_write(out / FILE) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())
