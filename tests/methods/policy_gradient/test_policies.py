"""Policies, against the definition of a distribution and numbers of the published controller."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import pdas
from pdas.methods.graph_variables import graphs_of
from pdas.methods.policy_gradient.enas_policy import EnasPolicy
from pdas.methods.policy_gradient.lstm_policy import LSTMPolicy
from pdas.methods.policy_gradient.policy import Policy
from pdas.methods.policy_gradient.product_policy import ProductPolicy
from pdas.spaces.cells.space import cell_space

OPERATIONS = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
CELLS = cell_space(5, OPERATIONS)
SMALL_CELLS = cell_space(1, ("identity", "sep_conv_3x3"))
SIZES = [3, 1, 2, 4]


def softened(policy: Policy) -> Policy:
    """Weights ten times as large, so that probabilities are far from uniform."""
    with torch.no_grad():
        for weight in policy.parameters():
            weight.mul_(10)
    return policy


POLICIES: dict[str, Any] = {
    "lstm": lambda: softened(LSTMPolicy(SIZES, hidden=8, layers=2)),
    "bounded": lambda: softened(LSTMPolicy(SIZES, hidden=8, bound=1.1)),
    "product": lambda: softened(ProductPolicy(SIZES)),
    "enas": lambda: softened(EnasPolicy(SMALL_CELLS)),
}


@pytest.mark.parametrize("name", POLICIES)
def test_the_probabilities_of_all_architectures_sum_to_one(name: str) -> None:
    policy = POLICIES[name]().double()
    every = np.array(list(itertools.product(*map(range, policy.sizes))))
    with torch.no_grad():
        drawn = policy.evaluate(every)
    p = drawn.log_prob.exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-10)
    # The chain rule: the mean entropy of the paths is the entropy of the distribution.
    joint = -(p * drawn.log_prob).sum()
    assert float((p * drawn.entropy).sum()) == pytest.approx(float(joint), abs=1e-10)


@pytest.mark.parametrize("name", POLICIES)
def test_draws_have_these_probabilities(name: str) -> None:
    policy = POLICIES[name]()
    every = np.array(list(itertools.product(*map(range, policy.sizes))))
    p = policy.evaluate(every).log_prob.exp().detach().double().numpy()
    draws = policy.sample(np.random.default_rng(0), 20_000)
    at = np.ravel_multi_index(tuple(draws.T), tuple(policy.sizes))
    counts = np.bincount(at, minlength=len(every))
    deviation = np.sqrt(20_000 * p * (1 - p)) + 1
    assert (np.abs(counts - 20_000 * p) < 5 * deviation).all()


@pytest.mark.parametrize("name", POLICIES)
def test_the_greedy_choice_is_the_largest_at_each_step(name: str) -> None:
    policy = POLICIES[name]()
    chosen = []

    def largest(variable: int, log_p: torch.Tensor) -> torch.Tensor:
        chosen.append((variable, int(log_p.argmax())))
        return log_p.argmax(1)

    policy.drawn(largest, 1)
    greedy = policy.greedy()
    assert [int(greedy[variable]) for variable, _ in chosen] == [best for _, best in chosen]


@pytest.mark.parametrize("name", POLICIES)
def test_the_score_function_is_the_gradient_of_the_expected_reward(name: str) -> None:
    """sum p grad ln p (R - b) = grad E[R], for any b."""
    policy = POLICIES[name]().double()
    every = np.array(list(itertools.product(*map(range, policy.sizes))))
    reward = torch.linspace(-1, 2, len(every), dtype=torch.double).sin()
    weights = list(policy.parameters())

    def gradient(value: torch.Tensor) -> torch.Tensor:
        found = torch.autograd.grad(value, weights, allow_unused=True)
        return torch.cat([g.flatten() for g in found if g is not None])

    log_p = policy.evaluate(every).log_prob
    expected = gradient((log_p.exp() * reward).sum())
    for b in (0.0, 0.7):
        log_p = policy.evaluate(every).log_prob
        found = gradient((log_p.exp().detach() * (reward - b) * log_p).sum())
        torch.testing.assert_close(found, expected, atol=1e-7, rtol=0)


def enas(plain: bool = False) -> EnasPolicy:
    return EnasPolicy(CELLS, plain=plain)


def probabilities(policy: Policy, n: int = 200) -> dict[int, torch.Tensor]:
    """The mean probabilities of each variable over draws."""
    seen: dict[int, torch.Tensor] = {}
    rng = np.random.default_rng(0)

    def note(variable: int, log_p: torch.Tensor) -> torch.Tensor:
        seen[variable] = log_p.exp().mean(0)
        return torch.from_numpy(rng.integers(log_p.shape[1], size=n))

    with torch.no_grad():
        policy.drawn(note, n)
    return seen


def mass_of_separable(policy: Policy, cell: str) -> float:
    seen = probabilities(policy)
    separable = [OPERATIONS.index("sep_conv_3x3"), OPERATIONS.index("sep_conv_5x5")]
    names = [name for name in CELLS.names if name.startswith(cell) and "/op" in name]
    return float(np.mean([seen[CELLS.position(name)][separable].sum() for name in names]))


def test_the_controller_of_enas_has_the_published_numbers() -> None:
    policy = enas()
    assert sum(weight.numel() for weight in policy.parameters()) == 41_733
    assert mass_of_separable(policy, "normal") == pytest.approx(0.63, abs=0.01)
    assert mass_of_separable(policy, "reduction") == pytest.approx(0.51, abs=0.01)
    drawn = policy.evaluate(policy.sample(np.random.default_rng(0), 100))
    assert float(drawn.entropy.mean().detach()) == pytest.approx(57.2, abs=0.3)


def test_the_plain_controller_begins_uniform() -> None:
    seen = probabilities(enas(plain=True))
    for variable, p in seen.items():
        K = CELLS.sizes[variable]
        assert float((p - 1 / K).abs().max()) < 0.02


def test_no_weights_bring_a_probability_above_its_bound() -> None:
    policy = enas()
    with torch.no_grad():
        for weight in policy.parameters():
            weight.mul_(1000)
    seen: dict[str, float] = {}
    names = CELLS.names

    def note(variable: int, log_p: torch.Tensor) -> torch.Tensor:
        seen[names[variable]] = float(log_p.exp().max())
        return log_p.argmax(1)

    with torch.no_grad():
        policy.drawn(note, 50)
    inputs = {2: 0.90, 3: 0.82, 4: 0.75, 5: 0.69, 6: 0.64}
    for name, p in seen.items():
        kind = name.split("/")
        bound = 0.376 if kind[0] == "reduction" else 0.461
        if kind[2].startswith("in"):
            bound = inputs[len(CELLS[name])]
        assert p <= bound + 0.006, name
    assert max(p for name, p in seen.items() if "/op" in name) > 0.35


def test_the_reduction_cell_depends_on_the_normal_one() -> None:
    policy = softened(enas())
    rows = policy.sample(np.random.default_rng(0), 2)
    rows[1, 20:] = rows[0, 20:]
    seen: list[torch.Tensor] = []

    def note(variable: int, log_p: torch.Tensor) -> torch.Tensor:
        if variable >= 20:
            seen.append(log_p)
        return torch.from_numpy(rows[:, variable])

    policy.drawn(note, 2)
    assert not torch.allclose(seen[0][0], seen[0][1])


def test_inputs_are_drawn_before_operations_and_returned_in_the_order_of_the_space() -> None:
    order: list[str] = []
    marks = {name: index % len(CELLS[name]) for index, name in enumerate(CELLS.names)}

    def note(variable: int, log_p: torch.Tensor) -> torch.Tensor:
        order.append(CELLS.names[variable])
        return torch.full((1,), marks[CELLS.names[variable]])

    found = enas().drawn(note, 1).indices[0].tolist()
    assert found == list(marks.values())
    first = [f"normal/node1/{kind}{slot}" for kind in ("in", "op") for slot in (1, 2)]
    assert order[:4] == first and order[20] == "reduction/node1/in1"


@pytest.mark.parametrize(
    "space",
    [
        pdas.SearchSpace({"op": ["a", "b"]}),
        pdas.SearchSpace({"normal/node1/in1": ["prev_prev", "prev"]}),
        pdas.SearchSpace({**cell_space(2, OPERATIONS), "normal/node2/in1": ["prev_prev", "prev"]}),
    ],
    ids=["other", "part", "sizes"],
)
def test_what_is_no_space_of_cells(space: pdas.SearchSpace) -> None:
    assert graphs_of(space) is None
