"""What to do next, in a sentence, from what was measured: the first rule that applies."""

from __future__ import annotations

from collections.abc import Callable

from pdas.report.reader import Summary
from pdas.report.results import baselines_of, is_better, judged
from pdas.report.warnings.nothing_learned import nothing_learned
from pdas.report.warnings.of_run import advice_of, warnings_of
from pdas.report.warnings.small_test import test_too_small

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
    return advice_of(nothing_learned, summary)


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
    for metric, value in judged(summary):
        for name, baseline in baselines_of(summary, metric).items():
            if not is_better(metric, value, baseline):
                return (
                    f"check the data, and retrain longer: {metric.label} is not better than "
                    f"{metric.text(baseline)} of the baseline {name}"
                )
    return ""


def _measure_better(summary: Summary) -> str:
    return advice_of(test_too_small, summary)


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


def _heed(summary: Summary) -> str:
    """The advice of the first warning, whatever it is."""
    return next((warning.advice for warning in warnings_of(summary)), "")


def _use(summary: Summary) -> str:
    path = summary.run.path
    if summary.is_own_network:
        return f"use it: the weights of the trained network are in `{path}/{_retrained(summary)}`"
    return f"use it: `pdas export {path}`, or `pdas.load({str(path)!r})` in Python"


def _retrained(summary: Summary) -> str:
    """The weights of the first retraining."""
    return f"{next(iter(summary.results))}/weights.safetensors"


_RULES: tuple[Callable[[Summary], str], ...] = (
    _learn,
    _finish,
    _beat_the_baselines,
    _measure_better,
    _beat_random,
    _heed,
    _use,
)
