"""Evolution with a learned mutation, against uniform mutation, its definition and toys."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np
import pytest
import torch

import pdas
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.evolution.mutation import Member, OneVariable
from pdas.methods.evolution.optimizer import Evolution
from pdas.methods.renas_like.mutator import Mutator
from pdas.support.errors import SettingError
from pdas.testing import OptimizerTests
from tests.methods.trials.trial_searches import Net, data, loss

SPACE = pdas.SearchSpace({"a": range(4), "b": range(3), "one": ["only"], "c": range(5)})
SIX = pdas.SearchSpace({f"x{i}": range(4) for i in range(6)})


def evolution(space: pdas.SearchSpace, seed: int, reward: Literal["tan", "gain"]) -> Evolution:
    mutator = Mutator(space, seed=seed, reward=reward)
    return Evolution(space, seed=seed, population=10, tournament=3, dies="worst", mutation=mutator)


class TestRenasLike(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: evolution(space, seed, "gain")


def a_birth(mutator: Mutator, space: Any, rng: Any, loss: Any) -> tuple[Member, Member]:
    """Of a uniform parent."""
    parent = space.uniform(rng).indices
    child = mutator(parent, rng)
    first, second = (Member(tuple(each.tolist()), float(loss(each))) for each in (parent, child))
    return first, second


def trained(space: pdas.SearchSpace, seed: int, updates: int, loss: Any) -> Mutator:
    mutator, rng = Mutator(space, seed=seed, reward="gain"), np.random.default_rng(seed)
    for _ in range(updates):
        mutator.learn([a_birth(mutator, space, rng, loss) for _ in range(8)])
    return mutator


def test_before_it_learns_it_is_the_uniform_mutation_sample_by_sample() -> None:
    uniform, mutator = OneVariable(SPACE), Mutator(SPACE, seed=1)
    draws = np.random.default_rng(0)
    first, second = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(300):
        parent = SPACE.uniform(draws).indices
        assert mutator(parent, second).tolist() == uniform(parent, first).tolist()
    assert first.bit_generator.state == second.bit_generator.state


def test_the_category_of_the_parent_is_never_drawn_and_one_free_variable_changes() -> None:
    mutator = trained(SPACE, 0, 30, lambda each: each.sum() % 3)
    rng = np.random.default_rng(1)
    for _ in range(500):
        parent = SPACE.uniform(rng).indices
        assert np.sum(mutator(parent, rng) != parent) == 1


def test_the_probabilities_of_all_mutations_sum_to_one_and_are_those_of_the_draws() -> None:
    mutator = trained(SPACE, 3, 60, lambda each: each[0] - each[3])
    parent = np.array([1, 2, 0, 3])
    births = []
    for i, size in enumerate(SPACE.sizes):
        for category in set(range(size)) - {parent[i]}:
            child = parent.copy()
            child[i] = category
            births.append((Member(tuple(parent.tolist()), 0.0), Member(tuple(child.tolist()), 0.0)))
    log_p, entropy = mutator.evaluate(births)
    p = dict(zip([child.indices for _, child in births], log_p.exp().tolist(), strict=True))
    assert sum(p.values()) == pytest.approx(1, abs=1e-5)
    assert max(p.values()) > 2 * min(p.values())  # it has learned something
    assert float(entropy.detach().max()) < math.log(3) + math.log(4)
    rng, n = np.random.default_rng(0), 3000
    drawn = [tuple(mutator(parent, rng).tolist()) for _ in range(n)]
    for child, expected in p.items():
        deviation = math.sqrt(expected * (1 - expected) / n)
        assert abs(drawn.count(child) / n - expected) < 5 * deviation


def test_the_score_function_identity_by_enumeration() -> None:
    """sum p grad ln p (R - b) = grad E[R], for any baseline b."""
    mutator = trained(SPACE, 2, 20, lambda each: each[0] - each[3])
    controller = mutator.controller.double()
    parent = Member((1, 2, 0, 3), 0.0)
    births = []
    for i, size in enumerate(SPACE.sizes):
        for category in set(range(size)) - {parent.indices[i]}:
            row = (*parent.indices[:i], category, *parent.indices[i + 1 :])
            births.append((parent, Member(row, 0.0)))
    rewards = torch.rand(len(births), dtype=torch.float64)
    weights = list(controller.parameters())

    def gradient(value: torch.Tensor) -> torch.Tensor:
        found = torch.autograd.grad(value, weights, allow_unused=True)
        return torch.cat([each.flatten() for each in found if each is not None])

    log_p, _ = mutator.evaluate(births)
    expected = gradient((log_p.exp() * rewards).sum())
    for baseline in (0.0, 7.5):
        log_p, _ = mutator.evaluate(births)
        score = gradient((log_p.exp().detach() * (rewards - baseline) * log_p).sum())
        torch.testing.assert_close(score, expected, rtol=0, atol=1e-7)


def test_the_router_finds_the_variable_that_matters() -> None:
    """It changes that variable where it is wrong, and not where it is right."""
    mutator = trained(SIX, 0, 250, lambda each: each[3])
    rng = np.random.default_rng(5)
    wrong = np.array([SIX.uniform(rng).indices for _ in range(50)])
    right = wrong.copy()
    wrong[:, 3], right[:, 3] = rng.integers(1, 4, 50), 0
    with torch.no_grad():
        p_wrong, p_right = (
            mutator.controller(torch.from_numpy(each))[0].exp()[:, 3].mean().item()
            for each in (wrong, right)
        )
    assert p_wrong > 0.6 and p_right < 0.05
    children = [mutator(parent, rng)[3] for parent in wrong]
    assert np.mean(children) < 0.5 * np.mean(wrong[:, 3])


@pytest.mark.parametrize("reward", ["tan", "gain"])
def test_the_first_update_is_that_of_reinforce_by_hand(reward: Literal["tan", "gain"]) -> None:
    """With zero heads only they and the router have gradients, and Adam moves each by its rate."""
    mutator = Mutator(SPACE, seed=0, reward=reward)
    parent = Member((1, 2, 0, 3), 0.5)
    better, worse = Member((0, 2, 0, 3), 0.1), Member((1, 2, 0, 4), 0.8)
    rewards = {
        "tan": [math.tan(math.pi / 2 * acc) for acc in (0.9, 0.2)],
        "gain": [0.4, -0.3],
    }[reward]
    baseline = 0.05 * rewards[0]
    first = rewards[0] - baseline / 0.05
    baseline += 0.05 * (rewards[1] - baseline)
    second = rewards[1] - baseline / (1 - 0.95**2)
    assert first == pytest.approx(0) and second < 0
    mutator.learn([(parent, better), (parent, worse)])
    assert mutator.measures() == {"baseline": pytest.approx(baseline)}
    with torch.no_grad():
        router, states = mutator.controller(torch.tensor([parent.indices]))
        head = mutator.controller.head(3, states[0, 3], 3)
    assert head[4] < head[0] and router[0, 3] < router[0, 0]  # the worse is less likely


def test_a_birth_that_failed_and_a_stranger_teach_nothing() -> None:
    optimizer = evolution(SPACE, 0, "gain")
    rng = np.random.default_rng(0)
    optimizer.tell([SPACE.uniform(rng) for _ in range(10)], np.arange(10.0))
    before = optimizer.state_dict()["mutation"]
    optimizer.tell([SPACE.uniform(rng)], [0.5])  # nobody asked for it
    failed, other = optimizer.ask(2)
    optimizer.tell([failed, SPACE.uniform(rng)], [math.nan, 0.5])
    assert optimizer.state_dict()["mutation"] == before
    asked = [each for each in optimizer.ask(20) if each not in (failed, other)]
    optimizer.tell(asked, np.linspace(0, 1, len(asked)))
    assert optimizer.state_dict()["mutation"] != before


def test_the_population_keeps_its_size() -> None:
    optimizer = evolution(SIX, 0, "gain")
    for step in range(40):
        asked = optimizer.ask(3)
        optimizer.tell(asked, [math.nan if step % 2 else 0.3, 0.5, float(step)])
        assert optimizer.measures()["population"] == min(3 * (step + 1), 10)


def test_losses_of_any_size_leave_finite_weights() -> None:
    for reward in ("tan", "gain"):
        optimizer = evolution(SPACE, 0, reward)
        for told in itertools.islice(itertools.cycle([1e300, -1e300, 0.0, 1.0]), 60):
            optimizer.tell(optimizer.ask(1), [told])
        found = optimizer.state_dict()["mutation"]
        assert math.isfinite(found["baseline"])
        evolution(SPACE, 1, reward).load_state_dict(optimizer.state_dict())


def test_its_name_builds_it() -> None:
    settings = METHODS["renas-like"].model_validate({"reward": "gain", "population": 7})
    optimizer = settings.build(MethodRequest(SPACE, seed=0, samples=2))
    assert isinstance(optimizer, Evolution) and optimizer.made_with()["method.dies"] == "worst"
    for _ in range(5):
        optimizer.tell(optimizer.ask(), [0.1, 0.2])
    assert optimizer.measures()["population"] == 7


def test_in_a_search_children_inherit_and_the_first_trials_are_longer() -> None:
    method = {"name": "renas-like", "population": 4, "tournament": 2, "trials": 9}
    result = pdas.search(
        Net(), loss, data(), method=method, epochs=12, batch_size=10, finalists=0, seed=1
    )
    trials = result.method
    assert trials.schedule.inherit and trials.measures()["trials"] <= 9
    lengths = [trials._plan.length_of(number) for number in range(9)]
    assert lengths == [5 * lengths[-1]] * 4 + [lengths[-1]] * 5
    assert result.optimizer.measures()["population"] == 4
    assert set(trials._weights) <= set(result.optimizer.parents())  # those that may be a parent


def test_an_unknown_reward() -> None:
    with pytest.raises(SettingError) as caught:
        Mutator(SPACE, reward="cube")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
