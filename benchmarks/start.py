"""How long commands and imports take to start: CPU time of fresh processes, against its limits.

    python benchmarks/start.py [--turns 5]

Each turn starts every process once, so that other work on the machine meets all of them; the number
is the median over the turns. Exits with status 1 if one is above its limit.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

Medians = Mapping[str, float]
PAIR = "import torch, lightning_fabric"
OPTIMIZER = "import pdas; pdas.PDAS(pdas.SearchSpace({'op': ['conv', 'skip']}), seed=0)"


class Start(NamedTuple):
    """A process to start, with the limit of its seconds by the medians of all."""

    name: str
    arguments: list[str]
    limit: Callable[[Medians], float] | None = None
    status: int = 0


def python(code: str, limit: Callable[[Medians], float] | None = None) -> Start:
    return Start(code, ["-c", code], limit)


def pdas(words: str, limit: Callable[[Medians], float], status: int = 0) -> Start:
    return Start(f"pdas {words}", ["-m", "pdas.cli", *words.split()], limit, status)


def at_most(seconds: float) -> Callable[[Medians], float]:
    return lambda medians: seconds


STARTS = (
    python("pass"),
    python("import torch"),
    python(PAIR),
    python(OPTIMIZER, at_most(0.4)),
    pdas("--help", at_most(0.8)),
    pdas("--version", at_most(0.8)),
    pdas("recipes", at_most(0.8)),
    pdas("run digits --set search.epochs=none", at_most(0.8), status=2),
    python("import pdas; pdas.search", lambda medians: 1.3 * medians[PAIR]),
    python("import pdas.experiment.experiment", lambda medians: 1.3 * medians[PAIR]),
)


def cpu_seconds(start: Start) -> float:
    """User and system time of one process, and of those that it waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *start.arguments], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != start.status:
        raise RuntimeError(f"{start.name}: status {done.returncode}\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    seconds: dict[str, list[float]] = {start.name: [] for start in STARTS}
    for start in STARTS:
        cpu_seconds(start)  # reads the files for the first time, and compiles them
    for _ in range(turns):
        for start in STARTS:
            seconds[start.name].append(cpu_seconds(start))
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    width = max(map(len, medians))
    print(f"{'CPU time':<{width}}{'median':>10}{'limit':>10}")
    within = True
    for start in STARTS:
        limit = start.limit(medians) if start.limit else None
        shown = "" if limit is None else f"{limit:>8.2f} s"
        print(f"{start.name:<{width}}{medians[start.name]:>8.2f} s{shown}")
        within = within and (limit is None or medians[start.name] <= limit)
    print("within the limits" if within else "ABOVE A LIMIT")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
