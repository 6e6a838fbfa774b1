"""Metrics as data: what tables, reports, progress and comparisons know of a measured number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A number with a name, a unit, a format and a direction.

    Attributes:
        key: its name in files, as "test_error".
        label: its name for people, as "test error".
        unit: as "%" or "dB"; empty for none.
        format: of `format()`, as ".2f".
        better: which direction is better; None if neither.
        short: its name in a progress bar; None keeps it out of the bar.

    Example:
        Metric("test_error", "test error", "%", ".2f", "lower")
    """

    key: str
    label: str
    unit: str = ""
    format: str = ".4g"
    better: Literal["lower", "higher"] | None = None
    short: str | None = None

    def text(self, value: float) -> str:
        """A value with its unit, as "2.31 %"."""
        return f"{self.number(value)} {self.unit}".rstrip()

    def number(self, value: float) -> str:
        """A value without its unit."""
        return format(value, self.format)


def metric_named(key: str, metrics: Sequence[Metric]) -> Metric:
    """The metric of a key, or a plain one where nobody has described it."""
    known = {metric.key: metric for metric in metrics}
    return known.get(key) or Metric(key, key.replace("_", " "))
