"""Do architectures found by the search beat random ones, with everything else equal?

Runs whole experiments of one recipe, searches and uniform draws, each with its own seed, and
compares the retrained networks on the test images. Of inpainting also the paper's BASE, once for
each search and of the depth of what that found. Every finished run stays in OUT, and a second call
continues where the first one stopped:

    python benchmarks/search_against_controls.py OUT [--searches 5] [--randoms 10] [--recipe NAME]
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.tasks.recipe import Recipe, recorded

RECIPE = "fashion-mnist-reduced"
METHODS = ("pdas", "random", "base")
BETTER = {"test_error": "less", "psnr": "greater", "ssim": "greater"}


@dataclass(frozen=True)
class Row:
    """One finished run; `measures` are by name, as "psnr" or "psnr of china"."""

    method: str
    seed: int
    measures: dict[str, float]
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
    base = recipes.load(args.recipe, args.set)
    for method, seed in schedule(args.searches, args.randoms, base.task == "inpainting"):
        recipe = recipes.change(base, changes(method, seed, args.out))
        out = args.out / f"{method}-{seed}"
        rows.append(finish(Experiment(recipe, seed, args.data_dir), method, out))
        print(rows[-1], flush=True)
    report(rows)


def schedule(searches: int, randoms: int, with_base: bool) -> Iterator[tuple[str, int]]:
    """Searches and controls in turns, so that a table of part of them is balanced."""
    per_search = math.ceil(randoms / searches)
    for seed in range(searches):
        yield "pdas", seed
        for draw in range(seed * per_search, min((seed + 1) * per_search, randoms)):
            yield "random", draw
        if with_base:
            yield "base", seed


def changes(method: str, seed: int, out: Path) -> list[str]:
    """The changes of the recipe that make it that of a method."""
    like = [f"search.method.like={out / f'pdas-{seed}' / 'architecture.json'}"]
    return [f"search.method={method}", *(like if method == "base" else [])]


def finish(experiment: Experiment, method: str, out: Path) -> Row:
    """The row of a run, which is done now unless it is in `out` already."""
    if (out / "config.yaml").is_file() and not _equal(recorded(Run(out))[0], experiment.recipe):
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
        measures(result),
        result["params"],
        found["seconds"],
        found.get("convergence", math.nan),
    )


def _equal(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes are the same but for their description."""
    return one.model_copy(update={"description": ""}) == other.model_copy(
        update={"description": ""}
    )


def measures(result: dict[str, Any]) -> dict[str, float]:
    """What a result says of the test images, of two or three photographs each."""
    found = {name: result[name] for name in BETTER if name in result}
    if len(by_class := result.get("by_class", {})) < 4:
        for label, values in by_class.items():
            found |= {f"{name} of {label}": values[name] for name in BETTER if name in values}
    return found


def report(rows: list[Row]) -> None:
    """The rows, and for each measure the means, deviations and differences of the methods."""
    rows = sorted(rows, key=lambda row: (METHODS.index(row.method), row.seed))
    names = list(rows[0].measures)
    print(f"\n| method | seed | {' | '.join(names)} | weights | search s | mean max theta |")
    print("|---" * (len(names) + 5) + "|")
    for row in rows:
        values = " | ".join(_number(name, row.measures[name]) for name in names)
        print(
            f"| {row.method} | {row.seed} | {values} | {row.params:,} "
            f"| {row.search_seconds:.0f} | {row.convergence:.2f} |"
        )
    for name in names:
        compare(name, {method: _values(rows, method, name) for method in METHODS})


def _values(rows: list[Row], method: str, name: str) -> np.ndarray:
    return np.array([row.measures[name] for row in rows if row.method == method])


def _number(name: str, value: float) -> str:
    return f"{value:.4f}" if name.startswith("ssim") else f"{value:.2f}"


def compare(name: str, values: dict[str, np.ndarray]) -> None:
    """One measure: means, deviations, and one-sided tests that the search is better."""
    print(f"\n{name}")
    better = BETTER[name.split()[0]]
    found = values["pdas"]
    for method, own in values.items():
        if not len(own):
            continue
        mean, deviation = (_number(name, x) for x in (own.mean(), own.std(ddof=1)))
        print(f"  {method}: {mean} +- {deviation} (n = {len(own)})")
        if method == "pdas":
            continue
        welch = stats.ttest_ind(found, own, equal_var=False, alternative=better)
        rank = stats.mannwhitneyu(found, own, alternative=better)
        interval = stats.ttest_ind(found, own, equal_var=False).confidence_interval(0.95)
        difference, low, high = (
            _number(name, x) for x in (found.mean() - own.mean(), interval.low, interval.high)
        )
        print(
            f"    pdas - {method}: {difference} [{low}, {high}] (95 %); one-sided Welch t-test "
            f"p = {welch.pvalue:.4f}, Mann-Whitney p = {rank.pvalue:.4f}"
        )


if __name__ == "__main__":
    main()
