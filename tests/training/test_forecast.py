"""The time left, against made-up trainings whose end is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from pdas.training.forecast import MOST, Forecast, Moment, about


def forecasts(
    forecast: Forecast, seconds: Sequence[float], decided: Sequence[float] | None = None
) -> list[float]:
    """What it says after each step."""
    shares = decided or [None] * len(seconds)
    left = [
        forecast(Moment(step, taken, share))
        for step, (taken, share) in enumerate(zip(seconds, shares, strict=True), start=1)
    ]
    assert left[:3] == [None, None, None]
    return [math.nan if each is None else each for each in left]


def test_a_steady_training_takes_as_long_as_the_steps_that_are_left() -> None:
    steps = 2000  # more than are kept
    left = forecasts(Forecast(steps), [0.25 * step for step in range(1, steps + 1)])
    expected = [0.25 * (steps - step) for step in range(4, steps + 1)]
    assert left[3:] == pytest.approx(expected)


def test_slow_first_steps_are_forgotten() -> None:
    """The first ten steps take 100 times as long as the others."""
    seconds = np.cumsum([10.0] * 10 + [0.1] * 190).tolist()
    left = forecasts(Forecast(200), seconds)
    assert left[19] == pytest.approx(0.1 * 180)


def test_the_very_first_step_never_counts() -> None:
    left = forecasts(Forecast(100), [60.0, 61.0, 62.0, 63.0])
    assert left[3] == pytest.approx(96.0)


def test_few_steps_are_kept_of_a_long_training() -> None:
    forecast = Forecast(50_000)
    forecasts(forecast, [0.01 * step for step in range(10 * MOST)])
    assert len(forecast._moments) <= MOST


def test_steps_count_by_their_cost() -> None:
    """A warm-up of 50 steps of one second, then 50 of three, then ten seconds for the rest."""

    def cost_until(step: int) -> float:
        return step + 2 * max(0, step - 50)

    seconds = [cost_until(step) for step in range(1, 101)]
    left = forecasts(Forecast(100, cost_until, lambda step: 10.0), seconds)
    expected = [210.0 - taken for taken in seconds]
    assert left[3:] == pytest.approx(expected[3:])


def test_it_ends_with_the_minutes_that_it_may_take() -> None:
    left = forecasts(Forecast(100, most_seconds=30.0), [float(step) for step in range(1, 41)])
    assert left[9] == pytest.approx(20.0)
    assert left[39] == 0.0


@pytest.mark.parametrize(
    "share",
    [
        lambda step: 1 - math.exp(-step / 200),
        lambda step: 0.15 * math.log(1 + step / 2),
        lambda step: 0.5 * (step / 500) ** 0.5,
    ],
)
@pytest.mark.parametrize("last", [300, 500])
def test_a_search_that_ends_when_theta_is_decided_is_forecast_within_a_factor(
    share: Callable[[int], float], last: int
) -> None:
    """In the second half, for curves that flatten as those of real searches do."""
    threshold = share(last)
    decided = [min(share(step), 1.0) for step in range(1, last)]
    forecast = Forecast(1000, decided_at=threshold)
    left = forecasts(forecast, [float(step) for step in range(1, last)], decided)
    for step in range(last // 2, last - 10):
        assert 1 / 1.6 < left[step - 1] / (last - step) < 1.6


def test_what_follows_is_shorter_where_the_steps_end_early() -> None:
    decided = [step / 100 for step in range(1, 41)]
    forecast = Forecast(100, afterwards=lambda step: step, decided_at=0.4)
    left = forecasts(forecast, [float(step) for step in range(1, 41)], decided)
    assert left[38] == pytest.approx(1 + 40, abs=6)


@pytest.mark.parametrize(
    "decided",
    [[0.1] * 50, [0.5 - 0.01 * i for i in range(50)], None, [math.nan] * 50],
)
def test_without_a_trend_all_planned_steps_are_ahead(decided: list[float] | None) -> None:
    left = forecasts(Forecast(100, decided_at=0.9), [float(i) for i in range(50)], decided)
    assert left[-1] == pytest.approx(50.0)


def test_shares_that_are_no_numbers_are_passed_over() -> None:
    seconds, shares = [float(i) for i in range(1, 41)], [step / 100 for step in range(1, 41)]
    with_gaps = [math.nan if i < 5 or i % 7 == 0 else share for i, share in enumerate(shares)]
    found = forecasts(Forecast(100, decided_at=0.8), seconds, with_gaps)
    expected = forecasts(Forecast(100, decided_at=0.8), seconds, shares)
    assert found[-1] == pytest.approx(expected[-1], rel=0.2)


def test_a_resumed_training_counts_from_its_own_first_step() -> None:
    """The pause between two processes is in no step."""
    forecast = Forecast(1000)
    left = [forecast(Moment(step, 5000.0 + step)) for step in range(500, 520)]
    assert left[-1] == pytest.approx(1000 - 519)


def test_more_seconds_never_make_a_smaller_text_unit() -> None:
    expected = {
        0: "a few seconds",
        9.9: "a few seconds",
        10: "about 10 s",
        54: "about 50 s",
        99: "about 100 s",
        100: "about 2 min",
        1200: "about 20 min",
        5999: "about 100 min",
        6000: "about 2 h",
        360_000: "about 100 h",
    }
    assert {seconds: about(seconds) for seconds in expected} == expected
    for one, other in pairwise(range(10, 6000)):
        assert _seconds(about(one)) <= _seconds(about(other))


def _seconds(text: str) -> float:
    _, number, unit = text.split()
    return float(number) * {"s": 1, "min": 60, "h": 3600}[unit]
