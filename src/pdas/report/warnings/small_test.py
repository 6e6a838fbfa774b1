"""The test set is too small for what is said of the result."""

from __future__ import annotations

from math import isfinite

from pdas.comparing.image_scores import image_difference
from pdas.experiment.control import finished_controls
from pdas.report.reader import Summary
from pdas.report.results import baselines_of, is_better, judged
from pdas.report.warnings.base import RunWarning
from pdas.runs.run import Run
from pdas.support.metrics import is_interval, is_number

NAME = "the test set is small"
WIDE = 10.0  # percentage points: an interval of the error beyond that says little


def test_too_small(summary: Summary) -> RunWarning | None:
    """Whether a difference that the report speaks of may be one of the test images alone.

    Args:
        summary: of the run.
    """
    return _against_random(summary) or _against_baselines(summary) or _wide(summary)


def _against_random(summary: Summary) -> RunWarning | None:
    """The difference from random architectures, image by image, if it is said to be one."""
    against = summary.against_random
    if against is None or against.is_better is None:
        return None
    metric, run = against.metric, summary.run
    drawn = {each.path.relative_to(run.path).parts[0]: each for each in finished_controls(run)}
    found = [Run(run.path / name) for name in against.found]
    gain = image_difference(metric, found, [drawn[name] for name in against.controls])
    if gain.is_told:
        return None
    return RunWarning(
        NAME,
        f"{gain.images:,} images tell a difference in {metric.label} of {metric.text(gain.least)} "
        f"or more, and that from random architectures is {metric.text(abs(gain.mean))}",
        f"test on more images{_about(gain.needed)}, or claim no difference",
    )


def _against_baselines(summary: Summary) -> RunWarning | None:
    """A baseline within the interval of a result that is better than it."""
    for metric, _ in judged(summary):
        for result in summary.results.values():
            value, interval = result.get(metric.key), result.get(metric.interval_key)
            if not is_number(value) or not is_interval(interval):
                continue
            for name, baseline in baselines_of(summary, metric).items():
                if is_better(metric, value, baseline) and interval[0] <= baseline <= interval[1]:
                    return RunWarning(
                        NAME,
                        f"the 95 % interval of the {metric.label}, {metric.number(interval[0])} to "
                        f"{metric.text(interval[1])}, holds the {metric.text(baseline)} of the "
                        f"baseline {name}",
                        "test on more images",
                    )
    return None


def _wide(summary: Summary) -> RunWarning | None:
    """An interval so wide that the figure itself says little."""
    for metric, _ in judged(summary):
        for result in summary.results.values():
            interval, images = result.get(metric.interval_key), result.get("images")
            if metric.unit != "%" or not is_interval(interval) or not is_number(images):
                continue
            width = interval[1] - interval[0]
            if width > WIDE:
                enough = images * (width / WIDE) ** 2  # it falls as 1/sqrt(n)
                return RunWarning(
                    NAME,
                    f"of {images:,} images the 95 % interval of the {metric.label} is {width:.0f} "
                    "points wide",
                    f"test on more images{_about(enough)}, of which it would be {WIDE:.0f} points",
                )
    return None


def _about(images: float) -> str:
    """How many are needed, to two digits; nothing where no number is enough."""
    return f", about {float(f'{images:.2g}'):,.0f}" if isfinite(images) else ""
