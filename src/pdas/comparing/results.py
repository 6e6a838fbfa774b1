"""The results of a comparison, read from the runs in its directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pdas.comparing.paired import Paired, student_interval
from pdas.comparing.record import AskedRow, Record
from pdas.comparing.rows import OURS, directory_of
from pdas.experiment.sweep import is_finished
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.display.shown import Shown
from pdas.support.metrics import Metric, is_number
from pdas.tasks.base import Quoted
from pdas.tasks.results import metrics_of, quoted_of


@dataclass(frozen=True)
class Result:
    """What the runs of a row came to.

    Attributes:
        name: of the row.
        asked: what was asked for.
        values: of the metric, by seed, of the runs that are finished.
        seconds: of each finished search.
        trials: networks that a search trained by themselves, on average.
        params: numbers in the weights of each retrained network.
        difference: to the reference; None of the reference itself.
        quoted: what a publication says of the method.

    Example:
        read_results(Path("runs/digits-compare")).rows[0].values
    """

    name: str
    asked: AskedRow
    values: Mapping[int, float]
    seconds: Sequence[float]
    trials: float
    params: Sequence[float]
    difference: Paired | None = None
    quoted: Quoted | None = None

    @property
    def mean(self) -> float | None:
        """Of the values; None without any."""
        return mean(self.values.values()) if self.values else None

    @property
    def std(self) -> float | None:
        """The standard deviation of the values, with n - 1; None of fewer than two."""
        return stdev(self.values.values()) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean, see `student_interval`."""
        return student_interval(list(self.values.values()))


@dataclass(frozen=True)
class Comparison(Shown):
    """The results of a comparison.

    Attributes:
        path: its directory.
        record: what was asked for.
        metric: by which methods are compared.
        reference: the row with which the others are compared: "pdas", or else the first one.
        rows: the best first; rows without results at the end.

    Example:
        done = pdas.compare("digits", ["pdas", "random"], 5)
        done.rows[0].name
    """

    path: Path
    record: Record
    metric: Metric
    reference: str
    rows: Sequence[Result]

    @property
    def best(self) -> Result | None:
        """The row whose interval is better than all others and overlaps none; None if none is."""
        first, *others = self.rows
        if first.interval is None or not others or any(each.interval is None for each in others):
            return None
        overlaps = any(_overlap(first.interval, each.interval) for each in others if each.interval)
        return None if overlaps else first

    def retraining(self, row: Result, seed: int) -> Run:
        """The retraining of a finished run.

        Args:
            row: one of `rows`.
            seed: of the run.
        """
        return Run(self.path / directory_of(row.name) / f"seed-{seed}" / f"retrain-{seed}")

    @property
    def failed(self) -> dict[tuple[str, int], str]:
        """The error of each run that failed, by row and seed."""
        rows = self.record.rows.items()
        return {(name, seed): why for name, row in rows for seed, why in row.failed.items()}

    @property
    def weight_limit(self) -> int | None:
        """The largest number of weights that the recipe allows a network; None if it has none."""
        retrain = self.record.recipe.get("retrain")
        limit = retrain.get("weight_limit") if isinstance(retrain, Mapping) else None
        return limit if isinstance(limit, int) else None

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data, the content of `comparison.json`."""
        return {
            **self.record.to_json(),
            "metric": self.metric.key,
            "reference": self.reference,
            "results": [_row_json(each) for each in self.rows],
        }


def read_results(path: Path, record: Record | None = None) -> Comparison:
    """The results of a comparison.

    Args:
        path: its directory.
        record: what was asked for; None reads it there.

    Raises:
        RunError: the directory holds no comparison, or a file is missing or damaged.
    """
    record = Record.read(path) if record is None else record
    found = {name: _read_runs(path, name, asked) for name, asked in record.rows.items()}
    metric, quoted = _metric(found, record), quoted_of(record.recipe)
    rows = [
        _result(name, record.rows[name], runs, metric, quoted.get(name))
        for name, runs in found.items()
    ]
    reference = next((each for each in rows if each.name == OURS), rows[0])
    compared = [
        replace(each, difference=Paired.of(metric, each.values, reference.values))
        for each in rows
        if each is not reference
    ]
    return Comparison(path, record, metric, reference.name, _sorted([reference, *compared], metric))


@dataclass(frozen=True)
class _Finished:
    """The files of a finished run."""

    result: Mapping[str, Any]
    search: Mapping[str, Any]
    finalists: int  # that were trained by themselves

    @property
    def trials(self) -> float:
        trials = self.search.get("trials")
        return self.finalists + (trials if is_number(trials) else 0)


def _read_runs(path: Path, name: str, asked: AskedRow) -> dict[int, _Finished]:
    """The finished runs of a row, by seed."""
    row = Run(Run(path).inner(directory_of(name)))
    runs = {seed: Run(row.inner(f"seed-{seed}")) for seed in asked.seeds}
    return {seed: _read(run, seed) for seed, run in runs.items() if is_finished(run.path, seed)}


def _read(run: Run, seed: int) -> _Finished:
    finalists = run.read("finalists.json", _count_trained) if run.has("finalists.json") else 0
    result = run.read_json(f"retrain-{seed}/result.json")
    return _Finished(result, run.read_json("search.json"), finalists)


def _count_trained(file: Path) -> int:
    """The finalists that were trained by themselves, by their steps."""
    return sum(bool(finalist.get("steps")) for finalist in parse_json(file)["finalists"])


def _metric(found: Mapping[str, Mapping[int, _Finished]], record: Record) -> Metric:
    """The first metric of the task that has a better direction and was measured."""
    metrics = [metric for metric in metrics_of(record.recipe) if metric.better]
    runs = [run for some in found.values() for run in some.values()]
    return next((m for m in metrics if any(m.key in run.result for run in runs)), metrics[0])


def _result(
    name: str,
    asked: AskedRow,
    runs: Mapping[int, _Finished],
    metric: Metric,
    quoted: Quoted | None,
) -> Result:
    return Result(
        name=name,
        asked=asked,
        values=dict(_numbers(metric.key, {seed: run.result for seed, run in runs.items()})),
        seconds=[each for _, each in _numbers("seconds", {s: r.search for s, r in runs.items()})],
        trials=mean(run.trials for run in runs.values()) if runs else 0,
        params=[each for _, each in _numbers("params", {s: r.result for s, r in runs.items()})],
        quoted=quoted,
    )


def _numbers(key: str, files: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[int, float]]:
    """The finite numbers of a name in some files, by seed."""
    for seed, content in files.items():
        value = content.get(key)
        if is_number(value) and isfinite(value):
            yield seed, value


def _sorted(rows: Sequence[Result], metric: Metric) -> list[Result]:
    """The best mean first; rows without results at the end, as they were asked for."""
    sign = 1 if metric.better == "lower" else -1
    return sorted(rows, key=lambda each: inf if each.mean is None else sign * each.mean)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _row_json(row: Result) -> dict[str, Any]:
    """A row as plain data."""
    return {
        "method": row.name,
        "form": row.asked.form,
        "passes": row.asked.passes,
        "seconds": mean(row.seconds) if row.seconds else None,
        "trials": row.trials,
        "params": mean(row.params) if row.params else None,
        "mean": row.mean,
        "std": row.std,
        "interval": None if row.interval is None else list(row.interval),
        "values": {str(seed): value for seed, value in row.values.items()},
        "difference": None if row.difference is None else row.difference.to_json(),
        "quoted": None if row.quoted is None else asdict(row.quoted),
    }
