"""Metrics as data: what tables, reports, progress and comparisons know of a measured number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard


@dataclass(frozen=True)
class Metric:
    """A number with a name, a unit, a format and a direction.

    Attributes:
        key: its name in files, as "test_error".
        label: its name for people, as "test error".
        unit: as "%" or "dB"; empty for none.
        format: of `format()`, as ".2f"; one that groups digits, as ",.0f", is that of a count.
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

    @property
    def heading(self) -> str:
        """The head of a column of values without unit, as "test error, %"."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def is_count(self) -> bool:
        """Whether it counts things, such as weights."""
        return "," in self.format

    @property
    def std_key(self) -> str:
        """Where a file has one: the key of its standard deviation over examples."""
        return f"{self.key}_std"

    def text(self, value: float) -> str:
        """A value with its unit, as "2.31 %"."""
        return f"{self.number(value)} {self.unit}".rstrip()

    def number(self, value: float) -> str:
        """A value without its unit."""
        return format(value, self.format)


# What any task or method may measure. Those of a task stand with the task.
GENERAL = (
    Metric("loss", "loss", format=".4f", better="lower", short="loss"),
    Metric("params", "weights", format=",.0f"),
    Metric("convergence", "convergence", format=".3f", short="conv"),
    Metric("eta", "learning rate η of θ", format=".4f", short="eta"),
    Metric("learning_rate", "learning rate of the weights"),
    Metric("rejection_rate", "share of draws over the limit", format=".3f"),
    Metric("steps", "steps", format=",.0f"),
    Metric("seconds", "time", "s", ".1f"),
)


def with_general(metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics of a task, then the general ones that it does not describe itself."""
    keys = {metric.key for metric in metrics}
    return [*metrics, *(metric for metric in GENERAL if metric.key not in keys)]


def metric_named(key: str, metrics: Sequence[Metric]) -> Metric:
    """The metric of a key, or a plain one where nobody has described it.

    Args:
        metrics: those of the task; the general ones are known in any case.
    """
    label = key.replace("_", " ")
    plain = Metric(key, label, short=label)
    return next((metric for metric in with_general(metrics) if metric.key == key), plain)


def bar_text(measures: Mapping[str, float], metrics: Sequence[Metric]) -> str:
    """The measures of a step for a progress bar, as "loss 0.3142  acc 0.910".

    Args:
        measures: by key, in the order in which they are shown; of one that is measured on either
            half of the data, as "loss" and "theta_loss", the first is enough.
        metrics: those of the task; one without a short name is not shown.
    """
    keys = (key for key in measures if key.removeprefix("theta_") not in measures.keys() - {key})
    named = ((metric_named(key, metrics), measures[key]) for key in keys)
    return "  ".join(f"{m.short} {m.text(value)}" for m, value in named if m.short)


def measures_text(measures: Mapping[str, object], metrics: Sequence[Metric]) -> str:
    """What an evaluation measured, in a line, as "26.91 dB PSNR, 0.812 SSIM".

    Args:
        measures: by key; values that are no numbers, and deviations, are left out.
        metrics: those of the task.
    """
    return ", ".join(
        f"{metric.text(value)} {metric.label}" for metric, value in numbers(measures, metrics)
    )


def numbers(
    measures: Mapping[str, object], metrics: Sequence[Metric]
) -> Iterator[tuple[Metric, float]]:
    """Each number with its metric: the task's first, in its order, then whatever else there is.

    The deviation of a described metric goes with that metric, so it is left out.
    """
    described = with_general(metrics)
    deviations = {metric.std_key for metric in described}
    keys = dict.fromkeys([*(metric.key for metric in described), *measures])
    for key in keys:
        value = measures.get(key)
        if is_number(value) and key not in deviations:
            yield metric_named(key, metrics), value


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
