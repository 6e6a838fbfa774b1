"""What to do next, in a sentence, from what was measured: the first rule that applies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import mean

from pdas.report.reader import Summary
from pdas.support.metrics import BASELINES, Metric, is_number

WIDE = 10.0  # percentage points: an interval of the error beyond that says little
DECIDED = 0.5  # a share of theta below that is far from an architecture
ENOUGH = 5  # controls


def next_step(summary: Summary) -> str:
    """What to do next.

    Args:
        summary: of the run.

    Returns:
        A sentence without a full stop.
    """
    return next(text for rule in _RULES if (text := rule(summary)))


def _learn(summary: Summary) -> str:
    if not summary.nothing_learned:
        return ""
    return "search again, longer, or with another loss: theta preferred no architecture to another"


def _finish(summary: Summary) -> str:
    if summary.results:
        return ""
    if summary.is_own_network:
        return _finish_own(summary)
    if summary.architecture:
        return f"retrain what was found: `pdas retrain {summary.run.path}`"
    return "finish the search: add --resume to the command"


def _finish_own(summary: Summary) -> str:
    if summary.architecture:
        return (
            "train what was found: `pdas.retrain(net.derive(result.architecture), ...)` in Python"
        )
    return "finish the search: the same call continues it if it had `checkpoints`"


def _beat_the_baselines(summary: Summary) -> str:
    for metric, value in _judged(summary):
        for name, baseline in _baselines(summary, metric).items():
            if not _is_better(metric, value, baseline):
                return (
                    f"check the data, and retrain longer: {metric.label} is not better than "
                    f"{metric.text(baseline)} of the baseline {name}"
                )
    return ""


def _measure_better(summary: Summary) -> str:
    for metric, _ in _judged(summary):
        for result in summary.results.values():
            interval, images = result.get(metric.interval_key), result.get("images")
            if metric.unit != "%" or not isinstance(interval, list) or not is_number(images):
                continue
            width = interval[1] - interval[0]
            if width > WIDE:
                enough = round(images * (width / WIDE) ** 2, -1)  # it falls as 1/sqrt(n)
                return (
                    f"test on more images: of {images:,} the interval of the {metric.label} is "
                    f"{width:.0f} points wide, of about {enough:,.0f} it would be {WIDE:.0f}"
                )
    return ""


def _beat_random(summary: Summary) -> str:
    against = summary.against_random
    if against is None or against.is_better:
        return ""
    if len(against.controls) < ENOUGH:
        more = f"add --control {ENOUGH} --resume to `pdas run`"
        return f"run more controls than {len(against.controls)}: {more}"
    return (
        "search longer, or take the best random architecture: the found one is not shown to be "
        "better"
    )


def _decide(summary: Summary) -> str:
    decided = summary.search.get("decided")
    if not is_number(decided) or decided >= DECIDED:
        return ""
    return f"search longer: theta is decided by {decided:.2f} only, of 1"


def _use(summary: Summary) -> str:
    path = summary.run.path
    return f"use it: `pdas export {path}`, or `pdas.load({str(path)!r})` in Python"


_RULES: tuple[Callable[[Summary], str], ...] = (
    _learn,
    _finish,
    _beat_the_baselines,
    _measure_better,
    _beat_random,
    _decide,
    _use,
)


def _judged(summary: Summary) -> Iterator[tuple[Metric, float]]:
    """The first metric that can be good or bad, and its mean over the retrainings."""
    for metric in summary.metrics:
        found = [result.get(metric.key) for result in summary.results.values()]
        values = [value for value in found if is_number(value)]
        if metric.better and values:
            yield metric, mean(values)
            return


def _baselines(summary: Summary, metric: Metric) -> dict[str, float]:
    """The value of each baseline, which is the same in all retrainings."""
    named = next((r[BASELINES] for r in summary.results.values() if BASELINES in r), {})
    assert isinstance(named, Mapping)  # as the reader has checked
    return {name: each[metric.key] for name, each in named.items() if metric.key in each}


def _is_better(metric: Metric, value: float, other: float) -> bool:
    return value < other if metric.better == "lower" else value > other
