from __future__ import annotations

import math

import numpy as np
import pytest

from pdas.methods.pdas.eta import AdaptiveEta, FixedEta, eta_of_noise


def test_one_step_by_hand() -> None:
    rate = AdaptiveEta((1, 3), n=4, alpha=1.5)
    assert rate.eta == 0.5
    rate.adapt(np.array([[1.0, 0.0, -1.0]]))
    c = math.sqrt(0.5 * 1.5)
    assert rate.s.tolist() == [[c, 0, -c]]
    assert rate.gamma == 0.75
    assert rate.eta == 0.5  # it would grow by exp(eta (1.5 / alpha - 0.75)), but is at its maximum


def test_noise_below_the_threshold_lowers_eta() -> None:
    rate = AdaptiveEta((1, 3), n=4, alpha=1.5)
    rate.adapt(np.zeros((1, 3)))
    assert rate.eta == pytest.approx(0.5 * math.exp(-0.5 * 0.75))


def test_agreement_brings_eta_back_to_its_maximum_however_large() -> None:
    rate = AdaptiveEta((1, 3), n=100, alpha=1.5)
    for _ in range(20):
        rate.adapt(np.zeros((1, 3)))
    assert rate.eta < 0.09
    rate.adapt(np.full((1, 3), 1e6))
    assert rate.eta == rate.eta_max == 0.1


def test_a_fixed_eta_stays() -> None:
    rate = FixedEta(0.3)
    rate.adapt(np.ones((2, 2)))
    assert rate.eta == 0.3


def test_a_scale_lowers_the_start_and_the_maximum() -> None:
    whole, quarter = (AdaptiveEta((1, 3), 100, 1.5, scale) for scale in (1.0, 0.25))
    assert (whole.eta, quarter.eta) == (0.1, 0.025)
    for _ in range(50):
        quarter.adapt(np.full((1, 3), 10.0))
    assert quarter.eta == 0.025


def test_the_course_under_pure_noise_is_that_of_random_directions() -> None:
    rng = np.random.default_rng(0)
    n, steps = 80, 600
    etas = []
    for _ in range(20):
        rate = AdaptiveEta((n,), n, alpha=1.5)
        etas.append([])
        for _ in range(steps):
            rate.adapt(rng.normal(size=n) / math.sqrt(n))  # of squared norm 1 on average
            etas[-1].append(rate.eta)
    course = eta_of_noise(n**-0.5, 1.5, steps)
    assert np.mean(etas, axis=0)[50:] == pytest.approx(course[50:], rel=0.12)
    assert course[-1] == pytest.approx(1 / (math.sqrt(n) + steps / 3), rel=0.05)
    assert (np.diff(course) <= 0).all()


def test_below_one_noise_lets_eta_grow_to_its_start() -> None:
    assert eta_of_noise(0.1, 0.9, 5).tolist() == [0.1] * 5
