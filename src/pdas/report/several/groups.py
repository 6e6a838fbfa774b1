"""Runs that differ in nothing but their seeds, and what they come to together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from pdas.comparing.paired import Paired, student_interval
from pdas.report.several.column import Column
from pdas.runs.run import OWN_NETWORK
from pdas.support.metrics import Metric

_OTHERS = ("training_images", "test_images", "data_dir", OWN_NETWORK)  # beside the settings
_NAMES = ("name", "description")  # settings that change nothing
_NAMED = 3  # runs in the name of a group


@dataclass(frozen=True)
class Group:
    """Runs with the same settings and images.

    Attributes:
        columns: one at least.

    Example:
        groups(columns)[0].mean(error)
    """

    columns: Sequence[Column]

    @property
    def name(self) -> str:
        """The names of its runs, and how many more there are."""
        shown = ", ".join(column.name for column in self.columns[:_NAMED])
        more = len(self.columns) - _NAMED
        return shown if more <= 0 else f"{shown} and {more} more"

    def values(self, metric: Metric) -> dict[str, float]:
        """What was measured, by the name of the run.

        Args:
            metric: what is asked for.
        """
        found = {column.name: column.values.get(metric) for column in self.columns}
        return {name: value for name, value in found.items() if value is not None}

    def mean(self, metric: Metric) -> float | None:
        """The mean over its runs; None where nothing was measured.

        Args:
            metric: what is asked for.
        """
        values = self.values(metric)
        return mean(values.values()) if values else None

    def interval(self, metric: Metric) -> tuple[float, float] | None:
        """The interval of the mean, see `student_interval`.

        Args:
            metric: what is asked for.
        """
        return student_interval(list(self.values(metric).values()))

    def text(self, metric: Metric) -> str:
        """The mean with its interval, as "2.60 [-1.33, 6.53]"; empty where nothing was measured.

        Args:
            metric: what is asked for.
        """
        middle, interval = self.mean(metric), self.interval(metric)
        if middle is None:
            return ""
        if interval is None:
            return metric.number(middle)
        low, high = map(metric.number, interval)
        return f"{metric.number(middle)} [{low}, {high}]"

    def difference(self, other: Group, metric: Metric) -> Paired:
        """The difference to another group, paired by seed.

        Args:
            other: from which it is.
            metric: in which it is; it has a better direction.
        """
        return Paired.of(metric, self._by_seed(metric), other._by_seed(metric))

    def _by_seed(self, metric: Metric) -> dict[int, float]:
        """The value of each seed, of one that was run twice their mean."""
        values = self.values(metric)
        found: dict[int, list[float]] = {}
        for column in self.columns:
            if column.name in values and (seed := _seed(column)) >= 0:
                found.setdefault(seed, []).append(values[column.name])
        return {seed: mean(each) for seed, each in found.items()}


def groups(columns: Sequence[Column]) -> list[Group]:
    """Runs put together that differ in nothing but their seeds, in the order of the first ones.

    Args:
        columns: in any order; those whose settings are not known are in no group.
    """
    found: list[tuple[object, list[Column]]] = []
    for column in columns:
        if not column.recipe:
            continue
        about = _about(column)
        same = next((some for other, some in found if other == about), None)
        if same is None:
            found.append((about, [column]))
        else:
            same.append(column)
    return [Group(some) for _, some in found]


def metrics_of(columns: Sequence[Column]) -> list[Metric]:
    """What some run measured, in the order of the first that has it.

    Args:
        columns: in any order.
    """
    by_key: dict[str, Metric] = {}
    for column in columns:
        for metric in column.values:
            by_key.setdefault(metric.key, metric)
    return list(by_key.values())


def judged(columns: Sequence[Column]) -> Metric | None:
    """The metric that decides: the first of the task that was measured and can be good or bad.

    Args:
        columns: in any order.
    """
    of_task = {
        metric
        for column in columns
        if column.summary is not None
        for metric in column.summary.metrics
    }
    return next((m for m in metrics_of(columns) if m.better and m in of_task), None)


def _about(column: Column) -> tuple[object, ...]:
    assert column.summary is not None  # it has settings
    settings = {key: value for key, value in column.recipe.items() if key not in _NAMES}
    others = column.summary.others
    return settings, *(others.get(name) for name in _OTHERS)


def _seed(column: Column) -> int:
    """The seed of a run; below 0 where it is not known."""
    seed = None if column.summary is None else column.summary.others.get("seed")
    return seed if isinstance(seed, int) else -1
