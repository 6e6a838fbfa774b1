"""How many steps and samples PDAS needs by lambda, on tables of trained architectures.

    python benchmarks/samples_needed.py DATA [--seeds 40]

DATA as in `tabular.py`. The search sees the validation accuracy plus Gaussian noise. A search has
come there once the architecture that theta prefers is within half a point of the best of the table
in test accuracy, and stays there for `STAYS` samples. Those that have not come there after `MOST`
samples count as having needed these.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np
from tabular import Table, read_nas_bench_201, read_nas_bench_macro

from pdas import PDAS

SAMPLES = (2, 4, 8, 16, 32, 64)
NOISES = (0.0, 2.0, 5.0)  # points
NEAR = 0.5  # points
STAYS, MOST = 512, 40_000  # samples


def steps_of(table: Table, noise: float, samples: int, seed: int) -> int:
    """The steps of one search until it has come there."""
    optimizer = PDAS(table.space, seed=seed, samples=samples)
    rng = np.random.default_rng([seed, 1])
    there: int | None = None
    for step in range(1, MOST // samples + 1):
        asked = optimizer.ask()
        numbers = table.numbers(np.array([each.indices for each in asked]))
        accuracies = table.validation[numbers] + noise * rng.standard_normal(samples)
        optimizer.tell(asked, -accuracies)
        best = table.numbers(optimizer.best().indices[np.newaxis])[0]
        if table.test[best] < table.test.max() - NEAR:
            there = None
            continue
        there = step if there is None else there
        if (step - there) * samples >= STAYS:
            return there
    return MOST // samples


def print_table(table: Table, noise: float, seeds: int) -> None:
    print(f"\n{table.name}, noise of {noise:g} points, {seeds} seeds\n")
    print("| lambda | steps, median | quartiles | samples | not there |")
    print("|---:|---:|---:|---:|---:|")
    for samples in SAMPLES:
        steps = [steps_of(table, noise, samples, seed) for seed in range(seeds)]
        low, median, high = statistics.quantiles(steps, n=4)
        late = sum(each == MOST // samples for each in steps)
        row = (
            samples,
            f"{median:.0f}",
            f"{low:.0f} to {high:.0f}",
            f"{median * samples:.0f}",
            late,
        )
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="directory of the two tables")
    parser.add_argument("--seeds", type=int, default=40)
    args = parser.parse_args()
    cells = read_nas_bench_201(args.data / "nas_bench_201_cifar10.csv")
    macro = read_nas_bench_macro(args.data / "nas_bench_macro_cifar10.json")
    for table in (cells, macro):
        for noise in NOISES:
            print_table(table, noise, args.seeds)


if __name__ == "__main__":
    main()
