"""What the length of a search pays for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pdas.methods.planning.halving_rounds import (
    cost,
    least_steps,
    more_finalists,
    round_steps,
    rounds,
    whole_steps,
)
from pdas.methods.planning.search_plan import (
    ALONE,
    Plan,
    cost_after,
    plan_after,
    plan_search,
    share_of_steps,
    whole_cost,
)
from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError


def settings(**values: Any) -> SearchSettings:
    return SearchSettings(**({"epochs": None, "steps": 300} | values))


def spent(plan: Plan, settings: SearchSettings, samples: int, theta_per_epoch: int) -> float:
    """Training passes, counted step by step."""
    total = 0.0 if plan.trial_passes else plan.finalists * theta_per_epoch / 3
    for step in range(plan.steps):
        total += samples
        if step >= plan.warmup:
            total += plan.theta_samples / 3
    look = 8 * 8 / 3 if settings.warmup else 0.0  # whether the weights have learned
    return total + look + plan.trial_passes


@pytest.mark.parametrize("samples", [2, 3, 5])
@pytest.mark.parametrize("length", [1, 7, 300, 50_000])
def test_the_papers_search_has_the_steps_that_are_set(samples: int, length: int) -> None:
    plan = plan_search(settings(steps=length, samples=samples), 10, 10)
    assert plan == Plan(
        steps=length,
        warmup=0,
        theta_samples=samples,
        finalists=0,
        trial_passes=0,
        trial_steps=None,
        step_passes=samples,
    )


def test_epochs_are_counted_in_passes_of_the_weights_half() -> None:
    assert plan_search(settings(steps=None, epochs=4), 25, 99).steps == 100


@given(
    st.integers(20, 2000),
    st.floats(0, 0.9) | st.integers(1, 10),
    st.integers(2, 4),
    st.integers(0, 12),
    st.integers(0, 4),
    st.floats(0, 0.8),
    st.none() | st.integers(1, 9),
)
def test_everything_together_costs_the_length(
    steps: int,
    warmup: float,
    samples: int,
    further: int,
    finalists: int,
    share: float,
    epochs: int | None,
) -> None:
    share = share if finalists > 1 else 0.0
    chosen = settings(
        steps=steps,
        warmup=warmup,
        samples=samples,
        theta_samples=samples + further,
        finalists=finalists,
        finalists_share=share,
        finalists_epochs=epochs if share else None,
    )
    try:
        plan = plan_search(chosen, 10, 6)
    except SettingError:
        assume(False)
    whole = steps * samples * 4 / 3
    unspent = whole - spent(plan, chosen, samples, 6)
    dearest = samples + (samples + further) / 3  # of the steps
    assert -1e-6 <= unspent < dearest + 1e-6
    saved = 8 * 8 / 3 if warmup and not plan.warmup else 0.0  # a look that there is no use for
    cost = whole - unspent - saved
    finals = plan.trial_passes or plan.finalists * 6 / 3
    assert whole_cost(plan, 6) == pytest.approx(cost)
    assert share_of_steps(plan, 6) == pytest.approx(1 - finals / cost)
    if plan.finalists < 100:
        assert plan.trial_passes == pytest.approx(share * whole)
    if warmup < 1:
        assert plan.warmup == round(warmup * plan.steps)
    else:
        assert plan.warmup == warmup


def test_cheaper_steps_are_more_and_dearer_ones_fewer() -> None:
    paper = plan_search(settings(), 10, 10).steps
    assert plan_search(settings(warmup=0.5), 10, 10).steps > paper
    assert plan_search(settings(theta_samples=8), 10, 10).steps < paper


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"warmup": 400.0}, r"search\.warmup: found 400, which is all of 389 steps"),
        ({"warmup": 500.0}, r"search\.warmup: found 500, which is all of 389 steps"),
        ({"steps": 10, "warmup": 0.9}, r"search\.warmup: found 0\.9, which is all of 2 steps"),
        ({"steps": 1, "warmup": 0.9}, r"search\.warmup: found 0\.9, .* leave 0 of 3 training"),
        ({"steps": 10, "finalists": 9}, r"search\.finalists: found 9, whose scoring"),
        ({"steps": 9, "finalists": 7}, r"search\.finalists: found 7, .* leave 1 of 24 training"),
        (
            {"steps": 40, "finalists": 64, "finalists_share": 0.1},
            r"search\.finalists_share: found 0\.1, which is 11 training passes for 64 finalists",
        ),
        (
            {"finalists": 18, "finalists_share": 0.4, "finalists_epochs": 1},
            r"search\.finalists_epochs: found 1, which is 7 steps, expected at least 9 for the",
        ),
    ],
)
def test_what_leaves_nothing_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plan_search(settings(**values), 7, 10)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"warmup": 1.5}, "found warmup = 1.5, expected a share below 1 or a whole number"),
        ({"theta_samples": 2, "samples": 3}, "found theta_samples = 2 and samples = 3"),
        ({"finalists_share": 0.5}, "found finalists_share = 0.5 and finalists = 0"),
        (
            {"finalists_epochs": 3},
            "found finalists_epochs = 3, while finalists_share = 0 trains no finalists",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**values)


def test_a_third_goes_on_until_two_are_left_or_to_the_third_round() -> None:
    assert [rounds(n) for n in (0, 1, 2, 3, 4, 16, 19, 90)] == [
        [], [], [2], [3, 2], [4, 2], [16, 6, 2], [19, 7, 3], [90, 30, 10],
    ]  # fmt: skip


@given(st.integers(2, 60), st.integers(1, 100), st.floats(0, 5000), st.integers(1, 50))
def test_more_finalists_as_many_as_can_be_paid(
    finalists: int, whole: int, passes: float, per_pass: int
) -> None:
    count, most = finalists, 90
    for more in range(finalists, most + 1):
        first = round_steps(rounds(more), whole)[0]
        if first >= 1 and cost(rounds(more), whole, per_pass) <= passes:
            count = more
    assert more_finalists(finalists, most, whole, passes, per_pass) == count


@pytest.mark.parametrize("finalists", [2, 3, 6, 7, 18, 90])
def test_the_first_round_has_a_step(finalists: int) -> None:
    least = least_steps(finalists)
    assert round_steps(rounds(finalists), least)[0] == 1
    assert round_steps(rounds(finalists), least - 1)[0] == 0


def test_a_longer_search_is_never_refused() -> None:
    """Seven batches are too few for three rounds, so there are never so many finalists."""
    chosen = {"finalists": 2, "finalists_share": 0.4, "finalists_epochs": 1}
    found = [plan_search(settings(steps=n, **chosen), 7, 7).finalists for n in (30, 300, 3000)]
    assert found == [6, 6, 6]


def test_what_the_most_finalists_leave_buys_steps() -> None:
    chosen = settings(steps=3000, finalists=2, finalists_share=0.4, finalists_epochs=1)
    few, many = (plan_search(chosen, 10, 10, most) for most in (3, 30))
    assert (few.finalists, many.finalists) == (3, 30)
    assert few.steps > many.steps
    assert spent(few, chosen, 2, 10) == pytest.approx(3000 * 2 * 4 / 3, abs=3)


@given(st.integers(2, 60), st.floats(0, 5000), st.integers(1, 50), st.integers(0, 100))
def test_no_training_is_longer_than_it_may_be(
    finalists: int, passes: float, per_pass: int, most: int
) -> None:
    sizes = rounds(finalists)
    assert whole_steps(sizes, passes, per_pass, most) == min(
        whole_steps(sizes, passes, per_pass), most
    )


def test_a_long_search_trains_more_finalists_instead_of_longer_ones() -> None:
    chosen = {"finalists": 18, "finalists_share": 0.4, "finalists_epochs": 4}
    short, long = (plan_search(settings(steps=n, **chosen), 10, 10) for n in (100, 1000))
    assert short.finalists == 18 and whole_steps(rounds(18), short.trial_passes, 10) < 40
    assert long.finalists > 18 and whole_steps(rounds(18), long.trial_passes, 10) > 40
    assert whole_steps(rounds(long.finalists), long.trial_passes, 10) >= 40 == long.trial_steps


@given(st.integers(2, 60), st.floats(0, 5000), st.integers(1, 50))
def test_the_longest_trainings_that_are_paid_are_found(
    finalists: int, passes: float, per_pass: int
) -> None:
    sizes = rounds(finalists)
    whole = whole_steps(sizes, passes, per_pass)
    assert whole == 0 or cost(sizes, whole, per_pass) <= passes
    assert cost(sizes, whole + 1, per_pass) > passes


def test_the_cost_of_rounds_counted_by_hand() -> None:
    # 4 for 10 steps each, judged on 10 batches; 2 of them for 20 further, judged on 12
    assert cost([4, 2], 30, 12) == pytest.approx(4 * (10 + 10 / 3) + 2 * (20 + 12 / 3))


@pytest.mark.parametrize("finals", [{"finalists_share": 0.4}, {}])
def test_finalists_after_an_early_end_cost_their_share(finals: dict[str, float]) -> None:
    of_search = settings(finalists=6, **finals)
    plan = plan_search(of_search, 10, 10)
    whole = plan.trial_passes or plan.finalists * 10 / 3
    assert cost_after(plan, plan.steps, 10) == pytest.approx(ALONE * whole)
    half = plan.steps // 2
    expected = plan_after(plan, of_search, half, 10)
    assert cost_after(plan, half, 10) == pytest.approx(
        ALONE * (expected.trial_passes or whole * half / plan.steps)
    )
