"""Do architectures found by the search beat random ones, with everything else equal?

Runs whole experiments of one recipe, searches and uniform draws, each with its own seed, and
compares the test errors of the retrained networks. Every finished run stays in OUT, and a second
call goes on where the first one stopped:

    python benchmarks/search_against_random.py OUT [--searches 5] [--randoms 10] [--recipe NAME]
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from pdas import recipes
from pdas.engine.experiment import Experiment
from pdas.errors import RunError
from pdas.run import Run

RECIPE = "fashion-mnist-reduced"


@dataclass(frozen=True)
class Row:
    """One finished run."""

    method: str
    seed: int
    test_error: float
    params: int
    search_seconds: float
    convergence: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--searches", type=int, default=5)
    parser.add_argument("--randoms", type=int, default=10)
    parser.add_argument("--recipe", default=RECIPE)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = []
    for method, seed in schedule(args.searches, args.randoms):
        recipe = recipes.load(args.recipe, [*args.set, f"search.method={method}"])
        out = args.out / f"{method}-{seed}"
        rows.append(finish(Experiment(recipe, seed, args.data_dir), method, out))
        print(rows[-1], flush=True)
    report(rows)


def schedule(searches: int, randoms: int) -> Iterator[tuple[str, int]]:
    """Searches and draws in turns, so that a table of part of them is balanced."""
    per_search = math.ceil(randoms / searches)
    for seed in range(searches):
        yield "pdas", seed
        for draw in range(seed * per_search, min((seed + 1) * per_search, randoms)):
            yield "random", draw


def finish(experiment: Experiment, method: str, out: Path) -> Row:
    """The row of a run, which is done now unless it is in `out` already."""
    if (out / "config.yaml").is_file() and Run(out).config()[0] != experiment.recipe:
        raise RunError(f"{out}: holds a run of another recipe; name another OUT")
    if not (out / f"retrain-{experiment.seed}" / "result.json").is_file():
        if not (out / "search.json").is_file():
            shutil.rmtree(out, ignore_errors=True)
            experiment.search(out)
        shutil.rmtree(out / f"retrain-{experiment.seed}", ignore_errors=True)
        start = time.perf_counter()
        experiment.retrain(Run(out))
        print(f"retrained {out.name} in {time.perf_counter() - start:.0f} s", flush=True)
    found = Run(out).read_json("search.json")
    result = Run(out / f"retrain-{experiment.seed}").read_json("result.json")
    return Row(
        method,
        experiment.seed,
        result["test_error"],
        result["params"],
        found["seconds"],
        found.get("convergence", math.nan),
    )


def report(rows: list[Row]) -> None:
    """Means, standard deviations, and one-sided tests that the search has the smaller error."""
    print("\n| method | seed | test error % | weights | search s | mean max theta |")
    print("|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: (row.method, row.seed)):
        print(
            f"| {row.method} | {row.seed} | {row.test_error:.2f} | {row.params:,} "
            f"| {row.search_seconds:.0f} | {row.convergence:.2f} |"
        )
    errors = {
        method: np.array([row.test_error for row in rows if row.method == method])
        for method in ("pdas", "random")
    }
    print()
    for method, values in errors.items():
        print(f"{method}: {values.mean():.2f} +- {values.std(ddof=1):.2f} % (n = {len(values)})")
    welch = stats.ttest_ind(errors["pdas"], errors["random"], equal_var=False, alternative="less")
    rank = stats.mannwhitneyu(errors["pdas"], errors["random"], alternative="less")
    interval = stats.ttest_ind(errors["pdas"], errors["random"], equal_var=False)
    low, high = interval.confidence_interval(0.95)
    print(
        f"difference {errors['pdas'].mean() - errors['random'].mean():+.2f} "
        f"[{low:+.2f}, {high:+.2f}] points (95 %)\n"
        f"one-sided Welch t-test p = {welch.pvalue:.4f}, Mann-Whitney p = {rank.pvalue:.4f}"
    )


if __name__ == "__main__":
    main()
