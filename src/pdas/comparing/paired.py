"""The difference of two rows, paired by seed.

Runs with the same seed have the same halves of the data, so the difference of a pair varies less
than the two values. Its interval is that of Student's t for one sample (Student, 1908).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

from pdas.support.metrics import Metric

CONFIDENCE = 0.95


def student_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of a mean, of 95 % confidence.

    Args:
        values: a sample.

    Returns:
        Its ends; None where nothing tells how far values are apart: of fewer than two, or of
        values that are all equal.
    """
    from scipy.stats import t  # slow to import

    if len(set(values)) < 2:
        return None
    margin = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stdev(values) / sqrt(len(values))
    return float(mean(values) - margin), float(mean(values) + margin)


@dataclass(frozen=True)
class Paired:
    """The differences of a row to the reference, seed by seed.

    Attributes:
        metric: in which they are; it has a better direction.
        by_seed: value of the row minus that of the reference, for each common seed.

    Example:
        error = Metric("test_error", "test error", "%", ".2f", "lower")
        Paired.of(error, {0: 3.1, 1: 3.3}, {0: 2.9, 1: 3.0}).interval
    """

    metric: Metric
    by_seed: Mapping[int, float]

    @classmethod
    def of(
        cls, metric: Metric, values: Mapping[int, float], reference: Mapping[int, float]
    ) -> Paired:
        """The differences of the seeds that both have.

        Args:
            metric: of both.
            values: of the row, by seed.
            reference: of the reference, by seed.
        """
        common = sorted(values.keys() & reference.keys())
        return cls(metric, {seed: values[seed] - reference[seed] for seed in common})

    @property
    def mean(self) -> float | None:
        """The mean difference; None without a common seed."""
        return mean(self.by_seed.values()) if self.by_seed else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the mean, see `student_interval`."""
        return student_interval(list(self.by_seed.values()))

    @property
    def is_better(self) -> bool | None:
        """Whether the row is better than the reference; None if that is not shown."""
        if self.interval is None:
            return None
        low, high = self.interval
        if low <= 0 <= high:
            return None
        return (low > 0) == (self.metric.better == "higher")

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "mean": self.mean,
            "interval": None if self.interval is None else list(self.interval),
            "better": self.is_better,
            "values": {str(seed): value for seed, value in self.by_seed.items()},
        }

    def text(self) -> str:
        """The mean with its interval, as "+0.23 [0.11, 0.35]"."""
        if self.mean is None:
            return ""
        shown = format(self.mean, f"+{self.metric.format}")
        if self.interval is None:
            return shown
        low, high = (format(end, f"+{self.metric.format}") for end in self.interval)
        return f"{shown} [{low}, {high}]"
