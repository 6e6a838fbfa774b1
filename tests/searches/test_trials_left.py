"""The time that trainings of finalists still take, against a tournament with a made-up clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from pdas.methods.planning.halving_rounds import round_steps, rounds
from pdas.searches.finalists import Finalist
from pdas.searches.trials_left import TrialsLeft, showing_trials
from pdas.space import Architecture

NONE = cast(Architecture, None)
WHOLE = 90  # steps of a whole training


def tournament(paces: Sequence[float]) -> Iterator[tuple[float, list[Finalist], int, int]]:
    """The time, the finalists, the trainings done and all; the first finalist is the best.

    Args:
        paces: seconds of a step of each finalist.
    """
    sizes = rounds(len(paces))
    finalists = [Finalist(NONE) for _ in paces]
    now, done = 100.0, 0
    yield now, list(finalists), 0, sum(sizes)
    for size, until in zip(sizes, round_steps(sizes, WHOLE), strict=True):
        for index in range(size):
            now += paces[index] * (until - finalists[index].steps)
            finalists[index] = replace(finalists[index], loss=0.1 * (index + 1), steps=until)
            done += 1
            yield now, list(finalists), done, sum(sizes)


def forecasts(paces: Sequence[float]) -> Iterator[tuple[float | None, float]]:
    """The forecast and the truth, after each training."""
    clock = [0.0]
    left = TrialsLeft(lambda: clock[0])
    moments = list(tournament(paces))
    for now, finalists, done, total in moments:
        clock[0] = now
        yield left(finalists, done, total), moments[-1][0] - now


@pytest.mark.parametrize("count", [2, 5, 18])
def test_it_is_exact_where_all_train_at_one_pace(count: int) -> None:
    first, *others = forecasts([0.5] * count)
    assert first[0] is None
    for forecast, truth in others:
        assert forecast == pytest.approx(truth)


def test_each_finalist_goes_on_at_its_own_pace() -> None:
    """The best two are ten times as slow; from the end of the first round on that is known."""
    paces = [5.0] * 2 + [0.5] * 10
    moments = list(forecasts(paces))
    for forecast, truth in moments[12:]:
        assert forecast == pytest.approx(truth)


def test_a_resumed_comparison_counts_what_it_trains_itself() -> None:
    clock = [0.0]
    left = TrialsLeft(lambda: clock[0])
    for now, finalists, done, total in list(tournament([0.5] * 5))[3:]:
        clock[0] = now
        forecast = left(finalists, done, total)
        assert (forecast is None) == (done == 3)
    assert forecast == 0.0


def test_trainings_are_shown_and_told() -> None:
    shown: list[tuple[int, int, str, float | None]] = []
    told: list[Any] = []
    on_trial = showing_trials(lambda *step: shown.append(step), lambda *each: told.append(each))
    finalists = [Finalist(NONE), Finalist(NONE)]
    done = [Finalist(NONE, loss=0.5, steps=4), Finalist(NONE, loss=0.75, steps=4)]
    on_trial([], 0, 0)
    on_trial(finalists, 0, 2)
    on_trial(done, 2, 2)
    assert shown == [
        (0, 2, "trainings of finalists", None),
        (2, 2, "trainings of finalists  loss 0.5000", 0.0),
    ]
    assert told == [([], 0, 0), (finalists, 0, 2), (done, 2, 2)]
