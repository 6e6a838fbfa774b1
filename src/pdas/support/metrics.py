"""Metrics as data, for tables, reports, progress and comparisons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from pdas.support.errors import printable


@dataclass(frozen=True)
class Metric:
    """A number with a name, a unit, a format and a direction.

    Attributes:
        key: its name in files, as "test_error".
        label: its name for people, as "test error".
        unit: as "%" or "dB"; empty for none.
        format: of `format()`, as ".2f". A format that groups digits, as ",.0f", means a count.
        better: the better direction; None if there is none.
        short: its name in a progress bar; None keeps it out of the bar.
        hides: the key of a raw measure that is not shown to people where this one is.

    Example:
        Metric("test_error", "test error", "%", ".2f", "lower")
    """

    key: str
    label: str
    unit: str = ""
    format: str = ".4g"
    better: Literal["lower", "higher"] | None = None
    short: str | None = None
    hides: str | None = None

    @property
    def heading(self) -> str:
        """The head of a column of numbers, as "test error, %"."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def is_count(self) -> bool:
        """Whether it counts things, such as weights."""
        return "," in self.format

    @property
    def std_key(self) -> str:
        """The key of its standard deviation over examples, which a file may have."""
        return f"{self.key}_std"

    @property
    def p95_key(self) -> str:
        """The key of its 95th percentile over many measurements, which a file may have."""
        return f"{self.key}_p95"

    @property
    def interval_key(self) -> str:
        """The key of its interval of 95 % confidence, which a file may have."""
        return f"{self.key}_interval"

    def text(self, value: float) -> str:
        """A value with its unit, as "2.31 %"."""
        return f"{self.number(value)} {self.unit}".rstrip()

    def number(self, value: float) -> str:
        """A value without its unit."""
        return format(value, self.format)


BASELINES = "baselines"  # in a result: measures by the name of what a network is compared with
SCORES = "test_scores.npz"  # of a retraining: by the key of a metric its value for each image

# Metrics of any task or method. The metrics of a single task are in its own package.
GENERAL = (
    Metric("loss", "loss", format=".4f", better="lower", short="loss"),
    Metric("images", "test images", format=",.0f"),
    Metric("params", "weights", format=",.0f"),
    Metric("multiply_adds", "multiply-adds", format=",.0f"),
    Metric("latency", "latency of one input", "ms", ".3f", "lower"),
    Metric("batch_latency", "latency of a batch", "ms", ".3f", "lower"),
    Metric("decided", "share of θ decided", "", ".3f", short="decided", hides="convergence"),
    Metric("convergence", "mean of max θ", format=".3f", short="max θ"),
    Metric("eta", "learning rate η of θ", format=".4f", short="eta"),
    Metric("learning_rate", "learning rate of the weights"),
    Metric("rejection_rate", "share of draws over the limit", format=".3f"),
    Metric("steps", "steps", format=",.0f"),
    Metric("seconds", "time", "s", ".1f"),
)


def with_general(metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics of a task, then the general ones whose keys it does not have."""
    keys = {metric.key for metric in metrics}
    return [*metrics, *(metric for metric in GENERAL if metric.key not in keys)]


def metric_named(key: str, metrics: Sequence[Metric]) -> Metric:
    """The metric of a key.

    Args:
        key: its name in files.
        metrics: those of the task; the general ones are always known.

    Returns:
        The metric; for an unknown key one with the key as its label.
    """
    label = key.replace("_", " ")
    plain = Metric(key, label, short=label)
    return next((metric for metric in with_general(metrics) if metric.key == key), plain)


def hidden(keys: Collection[str]) -> set[str]:
    """The raw measures among these keys that are not shown, since another one says it better.

    Args:
        keys: of measures.
    """
    return {metric.hides for metric in GENERAL if metric.hides and metric.key in keys}


def bar_text(measures: Mapping[str, float], metrics: Sequence[Metric]) -> str:
    """The measures of a step for a progress bar, as "loss 0.3142  acc 0.910".

    Args:
        measures: by key, in the order of the bar. Of "loss" and "theta_loss", which are the same
            measure on the two halves of the data, only the first is shown.
        metrics: those of the task. A metric without a short name is not shown.
    """
    raw = hidden(measures)
    keys = (
        key
        for key in measures
        if key not in raw and key.removeprefix("theta_") not in measures.keys() - {key}
    )
    named = ((metric_named(key, metrics), measures[key]) for key in keys)
    return "  ".join(f"{printable(m.short)} {m.text(value)}" for m, value in named if m.short)


def measures_text(measures: Mapping[str, object], metrics: Sequence[Metric]) -> str:
    """The measures of an evaluation in a line, as "26.91 dB PSNR, 0.812 SSIM".

    Args:
        measures: by key. Deviations and values that are no numbers are left out.
        metrics: those of the task.
    """
    return ", ".join(
        f"{metric.text(value)} {metric.label}" for metric, value in numbers(measures, metrics)
    )


def numbers(
    measures: Mapping[str, object], metrics: Sequence[Metric]
) -> Iterator[tuple[Metric, float]]:
    """Each number with its metric: first those of the task in its order, then all others.

    The standard deviation and the 95th percentile of a described metric are left out, and so is a
    raw measure where a better one is there.
    """
    described = with_general(metrics)
    left_out = {key for metric in described for key in (metric.std_key, metric.p95_key)}
    left_out |= hidden(measures)
    keys = dict.fromkeys([*(metric.key for metric in described), *measures])
    for key in keys:
        value = measures.get(key)
        if is_number(value) and key not in left_out:
            yield metric_named(key, metrics), value


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_interval(value: object) -> TypeGuard[list[float]]:
    """Whether a value of a JSON file is an interval: two numbers, the lower one first."""
    two = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    return two and value[0] <= value[1]  # type: ignore[index]
