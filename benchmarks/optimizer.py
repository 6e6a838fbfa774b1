"""Time of one step of the optimizer, `ask(2)` and `tell` together, against its limits.

    python benchmarks/optimizer.py

Exits with status 1 if a median is above its limit.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace


def cell_space() -> SearchSpace:
    """Of the sizes of the paper's cells: D = 40, sum K = 180."""
    variables = {}
    for cell in ("normal", "reduction"):
        for node in range(1, 6):
            for slot in (1, 2):
                variables[f"{cell}/node{node}/in{slot}"] = range(node + 1)
                variables[f"{cell}/node{node}/op{slot}"] = range(5)
    return SearchSpace(variables)


def large_space() -> SearchSpace:
    return SearchSpace({f"variable{i}": range(5) for i in range(10_000)})


def unequal_space() -> SearchSpace:
    """One variable of 5,000 categories among binary ones."""
    sizes = [2] * 1_500 + [5_000] + [2] * 1_500
    return SearchSpace({f"variable{i}": range(K) for i, K in enumerate(sizes)})


def step_seconds(space: SearchSpace, steps: int) -> list[float]:
    """Durations of the steps of one search with random losses."""
    optimizer = PDAS(space, seed=0)
    losses = np.random.default_rng(0).random((steps, 2)).tolist()
    seconds = []
    for pair in losses:
        start = time.perf_counter()
        optimizer.tell(optimizer.ask(2), pair)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> int:
    print(f"{'space':<22}{'median':>12}{'fastest tenth':>16}{'limit':>12}")
    within = True
    for name, space, steps, limit in (
        ("D = 40, sum K = 180", cell_space(), 5_000, 200e-6),
        ("D = 10,000, K = 5", large_space(), 300, 5e-3),
        ("3,000 of 2, one 5,000", unequal_space(), 300, 5e-3),
    ):
        seconds = step_seconds(space, steps)
        median, fast = statistics.median(seconds), statistics.quantiles(seconds, n=10)[0]
        print(f"{name:<22}{median * 1e6:>9.0f} us{fast * 1e6:>13.0f} us{limit * 1e6:>9.0f} us")
        within = within and median <= limit
    print("within the limits" if within else "ABOVE A LIMIT")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
