"""Rewards and their baseline."""

from __future__ import annotations

import numpy as np
import pytest

from pdas.methods.policy_gradient.rewards import LARGEST, Baseline, tan_reward

REWARDS = np.array([0.2, 0.9, 0.4])


def test_the_tangent_grows_towards_an_accuracy_of_one_and_ends() -> None:
    assert [tan_reward(loss) for loss in (0.5, 1.0, 3.0)] == pytest.approx([1.0, 0.0, 0.0])
    assert tan_reward(0.0) == tan_reward(-2.0) == LARGEST


def test_a_baseline_is_a_moving_mean_from_zero() -> None:
    baseline = Baseline(0.5)
    advantages = [baseline.advantage(reward) for reward in REWARDS]
    assert baseline.mean == pytest.approx(0.2 / 8 + 0.9 / 4 + 0.4 / 2)
    assert advantages[0] == pytest.approx(0.2 - 0.1)


def test_a_corrected_one_is_the_weighted_mean_of_the_rewards() -> None:
    baseline = Baseline(0.9, corrected=True)
    *_, advantage = [baseline.advantage(reward) for reward in REWARDS]
    weights = 0.9 ** np.arange(3)[::-1]
    assert advantage == pytest.approx(REWARDS[-1] - (weights * REWARDS).sum() / weights.sum())


def test_it_continues_from_its_state() -> None:
    baseline, other = Baseline(0.9, corrected=True), Baseline(0.9, corrected=True)
    baseline.advantage(0.3)
    other.restorer(baseline.state_dict())()
    assert other.advantage(0.7) == baseline.advantage(0.7)
