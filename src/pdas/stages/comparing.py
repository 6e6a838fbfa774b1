"""Several methods on one recipe, each with several seeds, and a page of what is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from os import PathLike
from pathlib import Path
from typing import Any

from pdas.comparing.results import Comparison
from pdas.comparing.rows import check_changes
from pdas.comparing.run import run_comparison, write_results
from pdas.report.comparison import write_comparison
from pdas.stages.arguments import PathText, as_changes, experiment_of, seeds_of


def compare(
    recipe: PathText,
    methods: Sequence[str] | str = ("pdas", "random"),
    seeds: int | Sequence[int] = 5,
    *,
    out: PathText | None = None,
    budget: str = "equal",
    workers: int | None = None,
    executor: Executor | None = None,
    data_dir: PathText | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare methods on the data of a recipe; the same call again continues.

    Each run has a process of its own, which imports the script of the caller. So a script makes
    this call under `if __name__ == "__main__":`.

    Args:
        recipe: the name of a shipped recipe, or a YAML file.
        methods: names of registered methods, "pdas-paper", "plain:NAME" and "plain:NAME:pretrained"
            for a well-known network, or "all"; see `docs/comparing.md`.
        seeds: how many, from 0 on, or which.
        out: a directory; default `runs/<recipe>-compare`. Methods and seeds may be added to it.
        budget: "equal", the same training passes for every search, or "published".
        workers: runs at a time; default one for each core, or for each GPU. With more than GPUs
            several share one.
        executor: does the runs in place of `workers`, as Dask's on several machines. It is left
            open. Its workers need `out` and the images under the same names.
        data_dir: where the images are.
        changes: settings, as of `pdas.run`, that are the same for all methods.

    Returns:
        The results of all rows; `comparison.json` and `report.html` in `out` have them too.

    Raises:
        PdasError: a method, a setting, the data or the directory does not fit.

    Example:
        done = pdas.compare("digits", ["pdas", "random", "plain:resnet18"], seeds=5)
        for row in done.rows:
            print(row.name, row.mean, row.difference)
    """
    asked = as_changes(changes)
    check_changes(asked)
    experiment = experiment_of(recipe, data_dir, 0, changes)
    path = Path("runs") / f"{experiment.recipe.name}-compare" if out is None else Path(out)
    done = run_comparison(
        experiment,
        methods,
        seeds_of(seeds),
        path,
        budget=budget,
        workers=workers,
        executor=executor,
    )
    write_comparison(done)
    return done


def compared(path: str | PathLike[str]) -> Comparison:
    """The results of a comparison from what is finished in its directory; the page is made anew.

    Args:
        path: the directory.

    Raises:
        RunError: it holds no comparison, or a file is missing or damaged.

    Example:
        pdas.stages.compared("runs/digits-compare").rows[0].name
    """
    done = write_results(Path(path))
    write_comparison(done)
    return done
