"""Search quality without a network: methods on tables of trained architectures.

    python benchmarks/tabular.py DATA [--seeds 200] [--jobs 1] [--part all]

DATA is a directory with `nas_bench_201_cifar10.csv` (columns architecture, val_acc_12ep,
val_acc_200ep and test_acc_200ep; 15,625 cells) and `nas_bench_macro_cifar10.json` (key: eight
digits; test_acc of three seeds; 6,561 networks).

An evaluation returns the validation accuracy plus Gaussian noise. Without noise a repeated
evaluation brings nothing new, so the budget counts distinct architectures; under noise it brings
new information, so the budget counts every evaluation. What is reported is always the noiseless
test accuracy, which no search sees: of the architecture with the best accuracy it observed, and for
PDAS also of the mode of its distribution. A step that would exceed the budget is not counted.

The part "methods" has all methods with ask and tell. They search on the validation accuracy after
12 epochs, without noise, and the budget counts every evaluation. Their figures are compared with
those of a prototype that was written independently (`tabular_methods.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tabular_methods import (
    METHODS_ON_TABLES,
    FloatArray,
    IntArray,
    Method,
    Search,
    by_name,
    random_search,
    registered,
)

from pdas.methods.components import METHODS
from pdas.space import SearchSpace

BUDGETS = (50, 100, 200, 400)
NOISES = (0.0, 0.5, 2.0, 5.0)
SAMPLES = (2, 4, 8, 16)
REPEATS = 20  # a search without noise ends after this many evaluations for each of its budget
POPULATION, TOURNAMENT = 30, 10


@dataclass(frozen=True)
class Table:
    """Accuracies in percent of every architecture, in the order of its indices read as digits."""

    name: str
    space: SearchSpace
    validation: FloatArray
    test: FloatArray

    def numbers(self, indices: IntArray) -> IntArray:
        """The positions in the table of the architectures of an (n, D) array."""
        numbers: IntArray = np.ravel_multi_index(tuple(indices.T), tuple(self.space.sizes))
        return numbers


def read_nas_bench_201(path: Path, validation: str = "val_acc_200ep") -> Table:
    """Six edges of five operations; a column for validation, and the test after 200 epochs."""
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    space = SearchSpace({f"edge{i}": operations for i in range(1, 7)})
    rows = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            edges = row["architecture"].replace("+", "").split("|")
            digits = [operations.index(edge.split("~")[0]) for edge in edges if edge]
            rows.append((digits, float(row[validation]), float(row["test_acc_200ep"])))
    rows.sort()
    return Table(
        "NAS-Bench-201", space, np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    )


def read_nas_bench_macro(path: Path) -> Table:
    """Eight layers of three operations; the first seed validates, the mean of the others tests."""
    space = SearchSpace({f"layer{i}": ("identity", "MB3_K3", "MB6_K5") for i in range(1, 9)})
    rows = sorted((key, row["test_acc"]) for key, row in json.loads(path.read_text()).items())
    seeds = np.array([accuracies for _, accuracies in rows])
    return Table("NAS-Bench-Macro", space, seeds[:, 0], seeds[:, 1:].mean(axis=1))


class Evaluator:
    """Evaluates architectures of a table, counts what is spent, and keeps the best observed."""

    def __init__(self, table: Table, noise: float, repeats: bool, rng: np.random.Generator) -> None:
        self.table, self.noise, self.rng, self.repeats = table, noise, rng, repeats
        self.space = table.space
        self.evaluations = 0
        self.seen: set[int] = set()
        self.best_accuracy, self.best = -math.inf, 0

    @property
    def spent(self) -> int:
        return self.evaluations if self.repeats else len(self.seen)

    def __call__(self, indices: IntArray) -> FloatArray:
        """Observed accuracies of an (n, D) array of architectures."""
        numbers = self.table.numbers(indices)
        accuracies = self.table.validation[numbers]
        if self.noise:
            accuracies = accuracies + self.noise * self.rng.standard_normal(len(numbers))
        self.evaluations += len(numbers)
        self.seen.update(numbers.tolist())
        top = accuracies.argmax()
        if accuracies[top] > self.best_accuracy:
            self.best_accuracy, self.best = accuracies[top], int(numbers[top])
        return accuracies


def run(search: Search, table: Table, noise: float, repeats: bool, seed: int) -> FloatArray:
    """Test accuracies of one search, shape (2, len(BUDGETS)): best observed, and its own choice.

    `repeats` says whether the budget counts the repetition of an evaluation.
    """
    evaluate = Evaluator(table, noise, repeats, np.random.default_rng([seed, 1]))
    result = np.full((2, len(BUDGETS)), np.nan)
    for choice in search(evaluate, seed):
        chosen = evaluate.best if choice is None else table.numbers(choice[np.newaxis])[0]
        affordable = np.array(BUDGETS) >= evaluate.spent
        result[:, affordable] = table.test[[evaluate.best, chosen]][:, np.newaxis]
        if evaluate.spent >= BUDGETS[-1] or evaluate.evaluations >= REPEATS * BUDGETS[-1]:
            break
    return result


def run_seeds(
    search: Search, table: Table, noise: float, seeds: int, jobs: int, repeats: bool | None = None
) -> FloatArray:
    """The results of several seeds: shape (seeds, 2, len(BUDGETS))."""
    one = partial(run, search, table, noise, noise > 0 if repeats is None else repeats)
    if jobs == 1:
        return np.array([one(seed) for seed in range(seeds)])
    with ProcessPoolExecutor(jobs) as pool:
        return np.array(list(pool.map(one, range(seeds), chunksize=math.ceil(seeds / jobs))))


def print_row(label: str, values: FloatArray) -> None:
    """Means with 95 % intervals of a (seeds, len(BUDGETS)) array."""
    half = 1.96 * values.std(axis=0, ddof=1) / math.sqrt(len(values))
    cells = (f"{mean:.2f} ± {h:.2f}" for mean, h in zip(values.mean(axis=0), half, strict=True))
    print(f"| {label:<38} | " + " | ".join(f"{cell:>12}" for cell in cells) + " |", flush=True)


def print_head(title: str) -> None:
    print(f"\n{title}\n")
    print(f"| {'':<38} | " + " | ".join(f"{budget:>12}" for budget in BUDGETS) + " |")
    print(f"|{'-' * 40}|" + f"{'-' * 13}:|" * len(BUDGETS))


def compare_methods(table: Table, noise: float, seeds: int, jobs: int) -> None:
    unit = "evaluations" if noise else "distinct architectures"
    print_head(f"{table.name}, noise of {noise:g} points, by {unit}")
    evolution = by_name("evolution", population=POPULATION, tournament=TOURNAMENT)
    for name, search in (
        ("random search", random_search),
        ("regularised evolution", evolution),
        ("PDAS", by_name("pdas", samples=2)),
    ):
        results = run_seeds(search, table, noise, seeds, jobs)
        print_row(f"{name}, best observed", results[:, 0])
        if name == "PDAS":
            print_row(f"{name}, mode", results[:, 1])


def compare_samples(table: Table, noise: float, seeds: int, jobs: int) -> None:
    print_head(f"{table.name}, noise of {noise:g} points, by evaluations: number of samples")
    results = {
        samples: run_seeds(by_name("pdas", samples=samples), table, noise, seeds, jobs)
        for samples in SAMPLES
    }
    for column, reported in enumerate(("best observed", "mode")):
        for samples in SAMPLES:
            print_row(f"PDAS, {samples} samples, {reported}", results[samples][:, column])
    few, many = SAMPLES[0], SAMPLES[-1]
    print_row(f"mode, {many} samples minus {few}", results[many][:, 1] - results[few][:, 1])


def compare_all(table: Table, seeds: int, jobs: int) -> None:
    """The table of all methods, and whether each figure is that of the prototype."""
    print(f"\n{table.name}, all methods, search on 12-epoch validation, by evaluations\n")
    heads = ("seeds", *map(str, BUDGETS[1:]), "own choice at 400", "as expected")
    print(f"| {'':<26} | " + " | ".join(heads) + " |")
    print(f"|{'-' * 28}|" + "---:|" * len(heads))
    for method in METHODS_ON_TABLES:
        name = method.name.split(",")[0].split()[0]
        if name != "REINFORCE" and name not in METHODS:
            continue
        count = min(seeds, method.seeds)
        results = run_seeds(method.search, table, 0.0, count, jobs, repeats=True)
        print_method(method, results)
    compare_proposals(table, min(seeds, 5))


def compare_proposals(table: Table, seeds: int, pool: int = 100, new: int = 50) -> None:
    """The mean observed accuracy of what NAO proposes twice, beside that of the pool before."""
    means = np.zeros((seeds, 2, 2))
    for seed in range(seeds):
        settings = {"name": "nao", "seeds": pool, "new": new}
        optimizer = registered(table.space, seed, settings, samples=1)
        accuracies: list[float] = []
        for round_, count in enumerate((pool, new, new)):
            asked = optimizer.ask(count)
            found = table.validation[table.numbers(np.array([each.indices for each in asked]))]
            optimizer.tell(asked, 1 - found / 100)
            if round_:
                means[seed, round_ - 1] = found.mean(), np.mean(accuracies)
            accuracies += found.tolist()
    print(f"\nnao, mean accuracy after 12 epochs of {new} new ones and of the pool, {seeds} seeds")
    for each in means.mean(axis=0):
        print(f"{each[0]:.1f} {each[1]:.1f}")


def print_method(method: Method, results: FloatArray) -> None:
    """A row of `compare_all` from results of shape (seeds, 2, len(BUDGETS))."""
    means, halves = results.mean(axis=0), 1.96 * results.std(axis=0, ddof=1) / len(results) ** 0.5
    cells = [f"{m:.2f} ± {h:.2f}" for m, h in zip(means[0, 1:], halves[0, 1:], strict=True)]
    has_choice = not np.array_equal(results[:, 0], results[:, 1])
    cells.append(f"{means[1, -1]:.2f} ± {halves[1, -1]:.2f}" if has_choice else "")
    expected = zip(means[0, 1:], halves[0, 1:], method.expected, strict=bool(method.expected))
    words = [
        "yes" if abs(m - e) <= math.hypot(h, own) else f"{e:.2f} ± {own:.2f}"
        for m, h, (e, own) in expected
    ]
    if has_choice and method.greedy == method.greedy:  # known, without an interval
        near = abs(means[1, -1] - method.greedy) <= halves[1, -1]
        words.append("yes" if near else f"{method.greedy:.2f}")
    cells = [str(len(results)), *cells, ", ".join(words)]
    print(f"| {method.name:<26} | " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="directory of the two tables")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--part", choices=("all", "noise", "methods"), default="all")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{str(arguments.data)!r} is not a directory; name that of the two tables")
    start = time.perf_counter()
    print(f"Test accuracy in percent: mean of {arguments.seeds} seeds ± 95 % interval")
    cells = arguments.data / "nas_bench_201_cifar10.csv"
    if arguments.part != "noise":
        compare_all(read_nas_bench_201(cells, "val_acc_12ep"), arguments.seeds, arguments.jobs)
    if arguments.part != "methods":
        macro = read_nas_bench_macro(arguments.data / "nas_bench_macro_cifar10.json")
        compare_noises((read_nas_bench_201(cells), macro), arguments)
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0


def compare_noises(tables: tuple[Table, ...], arguments: argparse.Namespace) -> None:
    """The tables of random search, evolution and PDAS, under noise."""
    for table in tables:
        print(
            f"\n{table.name}: {len(table.test):,} architectures, best {table.test.max():.2f},",
            end="",
        )
        print(f" mean {table.test.mean():.2f}")
        for noise in NOISES:
            compare_methods(table, noise, arguments.seeds, arguments.jobs)
        compare_samples(table, NOISES[-1], arguments.seeds, arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
