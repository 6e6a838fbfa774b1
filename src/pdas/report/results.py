"""The results of the retrainings of a run, in lines.

Figures are averaged, with a deviation, over retrainings that differ in their seeds only; where
settings differ, each retraining has lines of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from statistics import mean, stdev

from pdas.report.reader import Summary
from pdas.report.values import count_text
from pdas.support.metrics import BASELINES, Metric, is_interval, is_number, with_general

Rows = list[tuple[str, str]]
Results = Sequence[Mapping[str, object]]


def result_rows(summary: Summary) -> Rows:
    """A row for each metric that was measured, as "test error" and "2.31 %"; the task's first.

    Args:
        summary: of the run.
    """
    metrics = with_general(summary.metrics)
    return [row for metric in metrics for row in _rows_of(metric, summary)]


def judged(summary: Summary) -> Iterator[tuple[Metric, float]]:
    """The first metric that can be good or bad, with its mean over the retrainings; or nothing.

    Args:
        summary: of the run.
    """
    for metric in summary.metrics:
        values = _values(list(summary.results.values()), metric.key)
        if metric.better and values:
            yield metric, mean(values)
            return


def baselines_of(summary: Summary, metric: Metric) -> dict[str, float]:
    """The value of each baseline in a metric, which is the same in all retrainings.

    Args:
        summary: of the run.
        metric: of its task.
    """
    named = next((r[BASELINES] for r in summary.results.values() if BASELINES in r), {})
    assert isinstance(named, Mapping)  # as the reader has checked
    return {name: each[metric.key] for name, each in named.items() if metric.key in each}


def is_better(metric: Metric, value: float, other: float) -> bool:
    """Whether a value of a metric is better than another.

    Args:
        metric: with a better direction.
        value: the value.
        other: with which it is compared.
    """
    return value < other if metric.better == "lower" else value > other


def _rows_of(metric: Metric, summary: Summary) -> Rows:
    results = list(summary.results.values())
    # Networks of other settings may well have the same number of weights, which is said once.
    is_same_count = metric.is_count and len(set(_values(results, metric.key))) == 1
    if summary.is_comparable or is_same_count:
        named = [("", results)]
    else:
        named = [(f", {name}", [result]) for name, result in summary.results.items()]
    rows = [(metric.label + suffix, _text(metric, some)) for suffix, some in named]
    return [(label, text) for label, text in rows if text]


def _text(metric: Metric, results: Results) -> str:
    """The mean, with the deviation if there are several values, and in brackets what explains it.

    Empty if there is no value.
    """
    values = _values(results, metric.key)
    if not values:
        return ""
    if metric.is_count:
        return count_text(mean(values))
    text, notes = metric.number(mean(values)), []
    if len(values) > 1:
        deviation = stdev(values) if all(map(isfinite, values)) else nan
        text += f" ± {metric.number(deviation)}"
        notes.append(f"{len(values)} retrainings")
    elif interval := _interval_text(metric, results):
        notes.append(interval)
    if highest := _values(results, metric.p95_key):
        notes.append(f"95th percentile {metric.number(mean(highest))}")
    if baselines := _baselines_text(metric, results):
        notes.append(baselines)
    text = f"{text} {metric.unit}".rstrip()
    return f"{text} ({'; '.join(notes)})" if notes else text


def _interval_text(metric: Metric, results: Results) -> str:
    """The interval of the only value, if it has one."""
    interval = next((r[metric.interval_key] for r in results if metric.interval_key in r), None)
    if not is_interval(interval):
        return ""
    low, high = map(metric.number, interval)
    return f"95 % interval {low} to {high}"


def _baselines_text(metric: Metric, results: Results) -> str:
    """The baselines, which have the same test data in every retraining, so those of the first."""
    baselines = next((result[BASELINES] for result in results if BASELINES in result), {})
    assert isinstance(baselines, Mapping)  # as the reader has checked
    return ", ".join(
        f"{name} {metric.number(measures[metric.key])}"
        for name, measures in baselines.items()
        if metric.key in measures
    )


def _values(results: Results, key: str) -> list[float]:
    return [value for value in (result.get(key) for result in results) if is_number(value)]
