"""Finalists: how they are proposed, trained and ranked."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.cost import FunctionCost
from pdas.distributed.ranks import Ranks
from pdas.methods.constraints.limited import Limited
from pdas.methods.planning.halving_rounds import judged_batches, round_steps, rounds, whole_steps
from pdas.methods.proposals import propose
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Trial
from pdas.searches.finalists import Finalist, best_first
from pdas.searches.successive_halving import SuccessiveHalving
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError

SPACE = pdas.SearchSpace({"a": list(range(8)), "b": [0, 1, 2, 3]})
PER_PASS = 5


class FakeTrial:
    """A trial whose loss is known: it falls towards the quality of the architecture."""

    seed = 3
    theta_batches = range(PER_PASS)

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, int]] = []

    def __call__(
        self, network: nn.Module, state: dict[str, Any] | None, until: int, whole: int, judged: int
    ) -> tuple[dict[str, Any] | None, float]:
        quality = float(network.weight.detach()[0, 0])  # type: ignore[index]
        before = 0 if state is None else state["step"]
        assert before < until <= whole
        self.calls.append((int(quality), before, until))
        assert judged == judged_batches(until, PER_PASS)
        loss = loss_of(quality, until)
        return (None if loss == math.inf else {"step": until, "first": torch.rand(1)}), loss

    def network(self, derive: Any, architecture: Architecture) -> nn.Module:
        network: nn.Module = derive(architecture)
        return network


def loss_of(quality: float, steps: int) -> float:
    """Those that start well end badly, now and then."""
    return quality * 0.1 + ((quality * 7) % 5) / steps


def derive(architecture: Architecture) -> nn.Module:
    network = nn.Linear(1, 1)
    nn.init.constant_(network.weight, quality_of(architecture))
    return network


def quality_of(architecture: Architecture) -> float:
    return float(4 * architecture["a"] + architecture["b"])  # type: ignore[operator]


def finalists(count: int) -> list[Finalist]:
    order = np.random.default_rng(0).permutation(32)[:count]
    found = [SPACE.architecture([int(i) // 4, int(i) % 4]) for i in order]
    return [Finalist(a, shared_loss=float(i)) for i, a in enumerate(found)]


def finals(
    passes: float, executor: Any = None, trial_steps: int | None = None
) -> SuccessiveHalving:
    ranks, trial = Ranks(Fabric(accelerator="cpu", devices=1)), FakeTrial()
    return SuccessiveHalving(SPACE, trial, passes, derive, ranks, executor, trial_steps)  # type: ignore[arg-type]


def plain(count: int, passes: float) -> list[tuple[Architecture, float | None, int]]:
    """Successive halving, as it is written down: architectures with their losses and steps."""
    alive = [f.architecture for f in finalists(count)]
    sizes = rounds(count)
    steps = round_steps(sizes, whole_steps(sizes, passes, PER_PASS))
    known: dict[Architecture, tuple[float, int]] = {}
    for size, until in zip(sizes, steps, strict=True):
        alive = alive[:size]
        for architecture in alive:
            known[architecture] = loss_of(quality_of(architecture), until), until
        alive.sort(key=lambda a: known[a][0])
    return [(a, *known.get(a, (None, 0))) for a in [f.architecture for f in finalists(count)]]


def table(found: SuccessiveHalving) -> list[tuple[Architecture, float | None, int]]:
    return [(f.architecture, f.loss, f.steps) for f in found.finalists]


@pytest.mark.parametrize("count", [2, 3, 8, 13, 32])
def test_halving_is_the_plain_one(count: int) -> None:
    found = finals(500.0)
    found.begin(finalists(count))
    lefts = [found.left]
    for _ in found.run():
        lefts.append(found.left)
    assert str(table(found)) == str(plain(count, 500.0))
    assert lefts == list(range(found.total, -1, -1))
    assert found.total == sum(rounds(count))


def test_no_training_is_longer_than_it_may_be() -> None:
    found = finals(500.0, trial_steps=18)
    found.begin(finalists(13))
    list(found.run())
    assert sorted(f.steps for f in found.finalists) == [2] * 8 + [6] * 3 + [18] * 2


def test_without_passes_nobody_is_trained() -> None:
    found = finals(0.0)
    found.begin(finalists(8))
    assert list(found.run()) == [] and found.left == 0 == found.total
    assert best_first(found.finalists)[0].shared_loss == 0


def test_it_goes_on_after_any_trial() -> None:
    whole = finals(500.0)
    whole.begin(finalists(13))
    for _ in whole.run():
        pass
    for stop in range(whole.total + 1):
        first, second = finals(500.0), finals(500.0)
        first.begin(finalists(13))
        for _, _ in zip(range(stop), first.run(), strict=False):
            pass
        second.load_state_dict(first.state_dict())
        for _ in second.run():
            pass
        assert str(table(second)) == str(table(whole))


def test_an_executor_changes_nothing() -> None:
    expected = finals(500.0)
    expected.begin(finalists(13))
    list(expected.run())
    with ThreadPoolExecutor(3) as executor:
        found = finals(500.0, executor)
        found.begin(finalists(13))
        list(found.run())
    assert str(table(found)) == str(table(expected))


def test_threads_train_the_same_and_leave_random_numbers_as_they_were() -> None:
    expected = trained(real())
    before = torch.get_rng_state()
    with ThreadPoolExecutor(3) as executor:
        found = trained(real(executor))
    assert found.finalists == expected.finalists
    assert torch.equal(torch.get_rng_state(), before)


def squared(model: Any, batch: list[Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def wide(architecture: Architecture) -> nn.Module:
    """A network that draws: its weights, and its dropout."""
    width = int(quality_of(architecture)) + 1
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Dropout(0.2), nn.Linear(width, 1))


def real(executor: Any = None) -> SuccessiveHalving:
    """Trials that train networks."""
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    halves = [
        DataLoader(TensorDataset(part, part.prod(1, keepdim=True)), 5, shuffle=True, generator=g)
        for part, g in zip(x.chunk(2), (torch.Generator(), torch.Generator()), strict=True)
    ]
    trial = Trial(squared, *halves, SearchSettings(optimizer="adamw"), 7, "cpu", "32-true")
    ranks = Ranks(Fabric(accelerator="cpu", devices=1))
    return SuccessiveHalving(SPACE, trial, 60.0, wide, ranks, executor)


def run_to(found: SuccessiveHalving, stop: int) -> None:
    for _, _ in zip(range(stop), found.run(), strict=False):
        pass


def trained(found: SuccessiveHalving) -> SuccessiveHalving:
    """After all trials of five finalists."""
    found.begin(finalists(5))
    run_to(found, 99)
    return found


def test_trainings_go_on_after_any_trial_bit_for_bit() -> None:
    whole = trained(real())
    losses = [f.loss for f in whole.finalists]
    assert whole.total == 7 and len(set(losses)) == 5 and None not in losses
    for stop in range(whole.total + 1):
        first, second = real(), real()
        first.begin(finalists(5))
        run_to(first, stop)
        torch.rand(3)
        second.load_state_dict(first.state_dict())
        assert second.left == whole.total - stop
        run_to(second, 99)
        assert second.finalists == whole.finalists


def test_other_processes_train_the_same() -> None:
    expected = trained(real())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        found = trained(real(executor))
    assert found.finalists == expected.finalists


def test_a_training_that_is_carried_on_is_the_one_that_was_not_interrupted() -> None:
    found = trained(real())
    best = best_first(found.finalists)[0]
    torch.manual_seed(7)
    network = wide(best.architecture)
    _, loss = found._trial(network, None, best.steps, best.steps, judged_batches(best.steps, 4))
    assert loss == best.loss


def test_where_a_training_stands_is_kept_only_for_those_that_may_go_on() -> None:
    found = finals(500.0)
    found.begin(finalists(13))
    kept = []
    for _ in found.run():
        kept.append(len(found.state_dict()["states"]))
    (first, second, third) = rounds(13)
    assert kept == [
        *(min(done, second) for done in range(1, first + 1)),
        *(second - done + min(done, third) for done in range(1, second + 1)),
        *(third - done for done in range(1, third + 1)),
    ]


def test_an_infinite_or_missing_loss_comes_last() -> None:
    (a, b, c, d) = [f.architecture for f in finalists(4)]
    given = [Finalist(a, math.nan), Finalist(b, 3.0), Finalist(c, math.inf), Finalist(d, -1.0)]
    assert [f.architecture for f in best_first(given)][:2] == [d, b]
    assert [f.to_json()["shared_loss"] for f in given] == [None, 3.0, None, -1.0]


def test_the_longest_trained_come_first_then_the_least_loss() -> None:
    (a, b, c, d) = [f.architecture for f in finalists(4)]
    given = [
        Finalist(a, 0.1),
        Finalist(b, 0.4, loss=0.2, steps=8),
        Finalist(c, 0.3, loss=0.1, steps=4),
        Finalist(d, 0.2, loss=math.inf, steps=8),
    ]
    assert [f.architecture for f in best_first(given)] == [b, c, a, d]


def test_a_penalty_counts_where_finalists_are_ranked() -> None:
    (a, b, c, _) = [f.architecture for f in finalists(4)]
    given = [
        Finalist(a, loss=0.1, steps=8, penalty=0.3),
        Finalist(b, loss=0.2, steps=8),
        Finalist(c, loss=0.3, steps=8, penalty=0.05),
    ]
    assert [f.architecture for f in best_first(given)] == [b, c, a]


def test_finalists_that_all_diverged_are_an_error() -> None:
    given = [Finalist(f.architecture, loss=math.inf, steps=8) for f in finalists(3)]
    with pytest.raises(NonFiniteLossError, match=r"search\.finalists: found no finite loss of any"):
        best_first(given)


def test_what_diverged_is_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but three diverge at once, so that one that did is in the last round."""
    finite = {0.0, 1.0, 2.0}
    monkeypatch.setitem(globals(), "loss_of", lambda q, steps: q if q in finite else math.inf)
    found = finals(500.0)
    found.begin(finalists(32)[:13])
    kept = {quality_of(f.architecture) for f in found.finalists} & finite
    list(found.run())
    trained = [call for call in found._trial.calls if call[1]]  # type: ignore[attr-defined]
    assert {float(quality) for quality, _, _ in trained} <= finite
    assert found.left == 0
    if kept:
        assert quality_of(best_first(found.finalists)[0].architecture) == min(kept)


def test_proposals_are_distinct_and_the_mode_comes_first() -> None:
    optimizer = pdas.PDAS(SPACE, seed=0, initial=SPACE.architecture([3, 2]), confidence=0.6)
    for count in (1, 2, 16):
        found = propose(optimizer, count)
        assert len(set(found)) == len(found) == count and found[0] == SPACE.architecture([3, 2])


def test_a_small_space_gives_what_there_is() -> None:
    space = pdas.SearchSpace({"a": [0, 1], "b": [0, 1]})
    assert len(propose(pdas.PDAS(space, seed=0), 16)) == 4


def test_what_is_not_in_use_makes_no_other_network() -> None:
    def active(architecture: Architecture) -> np.ndarray:
        return np.array([True, architecture["a"] == 0])

    found = propose(pdas.PDAS(SPACE, seed=0), 32, active)
    assert len(found) == 4 + 7
    assert len({(a["a"], a["b"] if a["a"] == 0 else None) for a in found}) == len(found)


def test_proposals_are_within_the_limit() -> None:
    cost = FunctionCost(SPACE, lambda a: float(a["a"]))  # type: ignore[arg-type]
    found = propose(Limited(pdas.PDAS(SPACE, seed=0), pdas.Limit(cost, 1)), 16)
    assert len(found) == 8 and {a["a"] for a in found} == {0, 1}


def test_a_finalist_as_plain_data_is_the_finalist() -> None:
    (finalist,) = finalists(1)
    for each in (finalist, Finalist(finalist.architecture, None, math.inf, 9)):
        assert Finalist.of_plain(SPACE, each.to_plain()) == each


def test_a_finalist_for_people() -> None:
    (finalist,) = finalists(1)
    assert finalist.to_json() == {
        "architecture": finalist.architecture.to_dict(),
        "shared_loss": 0.0,
        "loss": None,
        "steps": 0,
        "penalty": 0.0,
    }
