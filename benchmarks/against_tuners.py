"""Is `pdas.search` worth its time, against what people use otherwise?

Every method chooses an architecture of each of five problems, at equal training passes; then all
architectures get the same final training, and the test error of that is compared:

    pip install '.[benchmarks]' && apt-get install dataset-fashion-mnist
    python benchmarks/against_tuners.py --out rows.jsonl [--methods pdas tpe] [--seeds 10]
    python benchmarks/against_tuners.py --out rows.jsonl --methods no-warmup --budgets 5
    python benchmarks/against_tuners.py --out rows.jsonl --table

`no-warmup` and others of its kind are the default with one part changed, which tells what it gains.

Each row is written to the file when it is finished, and a second call does those that are missing.
Rows are in the order of seeds, so that a table of part of them is balanced. All is computed on one
thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from problems import PROBLEMS
from problems.base import Problem
from tuner_table import Key, Row, append_row, read_rows, table
from tuners import CHANGED, METHODS, WITHOUT_BUDGET

ALL = METHODS | CHANGED
BUDGETS = (5, 30)  # final trainings that a search may cost


def main() -> None:
    args = _arguments()
    if not args.table:
        torch.set_num_threads(1)
        run(args.out, list(schedule(args.problems, args.methods, args.budgets, args.seeds)))
    print("\n".join(table(read_rows(args.out), list(ALL))))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--methods", nargs="+", choices=ALL, default=list(METHODS))
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 on")
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--table", action="store_true", help="show what the file has, run nothing")
    return parser.parse_args()


def schedule(
    problems: list[str], methods: list[str], budgets: list[int], seeds: int
) -> Iterator[Key]:
    """The keys of all rows, seed by seed."""
    for seed in range(seeds):
        for problem in problems:
            for method in methods:
                for budget in (0,) if method in WITHOUT_BUDGET else budgets:
                    yield problem, method, budget, seed


def run(out: Path, keys: list[Key]) -> None:
    """Make the rows that the file does not have yet."""
    problems: dict[str, Problem] = {}
    done = {row.key for row in read_rows(out)}
    for number, key in enumerate(keys, start=1):
        if key in done:
            continue
        name = key[0]
        if name not in problems:
            problems[name] = PROBLEMS[name]()
        row = make_row(problems[name], *key[1:])
        append_row(out, row)
        print(
            f"{number}/{len(keys)} {row.problem} {row.method} {row.budget} seed {row.seed}: "
            f"{row.error:.2f} % after {row.seconds:.1f} s {row.failed}",
            flush=True,
        )


def make_row(problem: Problem, method: str, budget: int, seed: int) -> Row:
    """One search, the final training of what it found, and the test."""
    start = time.perf_counter()
    found = ALL[method](problem, budget * problem.passes, seed)
    searched = time.perf_counter()
    error = problem.test_error(found.architecture, seed)
    return Row(
        problem=problem.name,
        method=method,
        budget=budget,
        seed=seed,
        error=error,
        passes=found.passes,
        trained=found.trained,
        seconds=searched - start,
        final_seconds=time.perf_counter() - searched,
        architecture=found.architecture.to_dict(),
        failed=found.failed,
    )


if __name__ == "__main__":
    main()
