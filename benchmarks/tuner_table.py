"""Rows of `against_tuners.py`: their file, and the table of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

JUDGED = "pdas"  # the method that is compared with all others

Key: TypeAlias = tuple[str, str, int, int]
BySeed: TypeAlias = dict[int, "Row"]


@dataclass(frozen=True)
class Row:
    """One search and its final training.

    Attributes:
        budget: of the search, in final trainings; 0 for a method without a budget.
        error: on the test set, in percent.
        passes: training passes that the search spent.
        trained: architectures that the search trained by themselves.
        seconds: of the search.
        final_seconds: of the final training and its test.
        architecture: labels by name.
        failed: why the search found nothing, if so.
    """

    problem: str
    method: str
    budget: int
    seed: int
    error: float
    passes: float
    trained: int
    seconds: float
    final_seconds: float
    architecture: dict[str, Any]
    failed: str = ""

    @property
    def key(self) -> Key:
        """What no other row has."""
        return self.problem, self.method, self.budget, self.seed


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, of which the last may have been cut off; none if there is no file."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [Row(**json.loads(line)) for line in lines if line.endswith("\n")]


def append_row(path: Path, row: Row) -> None:
    """Write one more row, in place of one that was cut off."""
    with path.open("a+b") as file:
        whole = path.read_bytes().rfind(b"\n") + 1
        file.truncate(whole)
        file.write(json.dumps(asdict(row)).encode() + b"\n")


def table(rows: Sequence[Row], methods: Sequence[str]) -> Iterator[str]:
    """The lines of the table, for each problem and budget, and what can be claimed."""
    claims = []
    for problem in dict.fromkeys(row.problem for row in rows):
        for budget in sorted({row.budget for row in rows} - {0}):
            found = {method: _by_seed(rows, problem, method, budget) for method in methods}
            found = {method: by_seed for method, by_seed in found.items() if by_seed}
            yield f"\n### {problem}, {budget} full trainings\n"
            yield from _means(found)
            if JUDGED in found:
                yield ""
                yield from _differences(found)
                claims.append(f"| {problem} | {budget} | {' | '.join(_claims(found))} |")
    if claims:
        yield "\n### Claims\n"
        yield f"| problem | budget | {JUDGED} is | worst seed / median |"
        yield "|---|---|---|---|"
        yield from claims


def _by_seed(rows: Iterable[Row], problem: str, method: str, budget: int) -> BySeed:
    """The rows of a method, those without a budget too."""
    return {
        row.seed: row
        for row in rows
        if (row.problem, row.method) == (problem, method) and row.budget in (0, budget)
    }


def _means(found: dict[str, BySeed]) -> Iterator[str]:
    yield "| method | n | test error, % | median | worst | wall s | failed |"
    yield "|---|---|---|---|---|---|---|"
    for method, by_seed in found.items():
        errors = _of(by_seed.values(), lambda row: row.error)
        seconds = _of(by_seed.values(), lambda row: row.seconds)
        yield (
            f"| {method} | {len(errors)} | {errors.mean():.2f} +- {_deviation(errors):.2f} "
            f"| {np.median(errors):.2f} | {errors.max():.2f} | {seconds.mean():.1f} "
            f"| {sum(bool(row.failed) for row in by_seed.values())} |"
        )


def _differences(found: dict[str, BySeed]) -> Iterator[str]:
    yield f"| {JUDGED} minus | n | difference | 95 % interval | p |"
    yield "|---|---|---|---|---|"
    for method in found:
        if method != JUDGED:
            n, mean, low, high, p = _paired(found[JUDGED], found[method])
            yield f"| {method} | {n} | {mean:+.2f} | [{low:+.2f}, {high:+.2f}] | {p:.3f} |"


def _claims(found: dict[str, BySeed]) -> tuple[str, str]:
    """Whether the judged method is first, and how far its worst seed is from its median."""
    errors = _of(found[JUDGED].values(), lambda row: row.error)
    ratio = errors.max() / np.median(errors)
    worst = f"{ratio:.2f}, {'holds' if ratio <= 2 else 'above 2'}"
    means = {
        method: _of(by_seed.values(), lambda row: row.error).mean()
        for method, by_seed in found.items()
    }
    first = min(means, key=means.__getitem__)
    if first == JUDGED:
        return "first", worst
    low = _paired(found[JUDGED], found[first])[2]
    return f"{'within the interval of' if low <= 0 else 'behind'} {first}", worst


def _paired(one: BySeed, other: BySeed) -> tuple[int, float, float, float, float]:
    """How many seeds both have, the mean difference of errors, its 95 % t-interval, and p."""
    seeds = sorted(one.keys() & other.keys())
    differences = np.array([one[seed].error - other[seed].error for seed in seeds])
    if len(seeds) < 2:
        return len(seeds), float(differences.sum()), np.nan, np.nan, np.nan
    if not differences.any():
        return len(seeds), 0.0, 0.0, 0.0, 1.0
    test = stats.ttest_1samp(differences, 0.0)  # the paired t-test
    interval = test.confidence_interval(0.95)
    return len(seeds), differences.mean(), interval.low, interval.high, test.pvalue


def _of(rows: Iterable[Row], value: Callable[[Row], float]) -> np.ndarray:
    return np.array([value(row) for row in rows])


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan
