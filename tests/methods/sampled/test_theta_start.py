"""The warm-up: theta stands still, and does not begin before the weights have learned something."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from scipy import stats
from torch import Tensor, nn
from torch.nn.functional import nll_loss
from torch.utils.data import TensorDataset

import pdas
from pdas.distributed.ranks import Ranks
from pdas.methods.planning.search_plan import Plan
from pdas.methods.sampled.constant_output import ConstantOutput
from pdas.methods.sampled.theta_start import ThetaStart
from pdas.nn import Choice, Supernet
from pdas.resume.batches import ResumableBatches
from pdas.support.errors import NotLearnedError, OutOfMemoryError

ALONE = Ranks(Fabric(accelerator="cpu", devices=1))


def net() -> Supernet:
    torch.manual_seed(0)
    acts = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()}
    return Supernet(nn.Sequential(nn.Linear(2, 16), Choice("act", acts), nn.Linear(16, 1)))


def data(noise: bool = False) -> TensorDataset:
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    y = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))
    return TensorDataset(x, y if noise else 3 + x.prod(1, keepdim=True) + x[:, :1])


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def states(**settings: Any) -> tuple[list[dict[str, Any]], Any]:
    """The optimizer's state but for its random numbers, after every step."""
    found: list[dict[str, Any]] = []
    optimizer = pdas.PDAS(net().space, seed=0)

    def keep(progress: Any) -> None:
        state = optimizer.state_dict()
        found.append({name: state[name] for name in ("step", "theta", "eta")})

    result = pdas.search(
        net(),
        loss,
        data(),
        method=optimizer,
        on_step=keep,
        batch_size=20,
        preset="paper",
        **({"steps": 60, "optimizer": {"learning_rate": 0.05}} | settings),
    )
    return found, result


def test_theta_eta_s_and_gamma_stand_still_in_the_warmup() -> None:
    found, _ = states(warmup=0.5, steps=120)
    steps = len(found)
    warmup = round(0.5 * steps)
    assert steps > 120  # of what the warm-up saves
    assert all(state == found[0] for state in found[:warmup])
    assert found[0]["theta"] == {"act": [1 / 3] * 3} and found[0]["step"] == 0
    assert found[0]["eta"]["gamma"] == 0
    assert [state["step"] for state in found[warmup:]] == list(range(1, steps - warmup + 1))


def test_no_theta_batch_is_run_in_the_warmup() -> None:
    without_gradient: list[int] = []
    step = 1

    def watch(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        if not torch.is_grad_enabled():
            without_gradient.append(step)
        return loss(model, batch)

    def count(progress: Any) -> None:
        nonlocal step
        step = progress.step + 1

    settings = {"steps": 99, "batch_size": 20, "optimizer": {"learning_rate": 0.05}, "warmup": 10}
    settings["theta_samples"] = 16
    result = pdas.search(net(), watch, data(), preset="paper", on_step=count, **settings)
    assert min(without_gradient) == 11
    rows = [set(progress.measures) for progress in result.history]
    own = {"decided", "convergence", "eta"}
    assert rows[0] == {"loss"} | own and rows[-1] == {"loss", "theta_loss"} | own


def test_the_mean_of_thetas_losses_is_over_the_steps_in_which_it_learned() -> None:
    means: list[float] = []
    shown: dict[int, list[float]] = {}

    class Watched(pdas.PDAS):
        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            means.append(float(np.mean(losses)))
            super().tell(architectures, losses, active)

    def keep(progress: Any) -> None:
        if "theta_loss" in progress.measures:
            shown.setdefault(progress.epoch, []).append(progress.measures["theta_loss"])

    optimizer = Watched(net().space, seed=0)
    settings = {"steps": 60, "batch_size": 20, "optimizer": {"learning_rate": 0.05}, "warmup": 15}
    pdas.search(net(), loss, data(), preset="paper", method=optimizer, on_step=keep, **settings)
    first, *others = shown.values()
    assert len(first) < 10 and len(others) > 1  # it began within an epoch
    for epoch in (first, *others):
        own, means = means[: len(epoch)], means[len(epoch) :]
        assert epoch == pytest.approx([np.mean(own[: i + 1]) for i in range(len(own))])


@pytest.mark.parametrize(("rate", "noise"), [(1e-9, False), (1e-3, True), (30.0, False)])
def test_a_search_that_learns_nothing_says_so(rate: float, noise: bool) -> None:
    with pytest.raises(NotLearnedError, match=r"search: found fewer than 2 of 8 architectures"):
        pdas.search(
            net(),
            loss,
            data(noise),
            preset="paper",
            steps=30,
            batch_size=20,
            warmup=5,
            optimizer={"learning_rate": rate},
        )


@pytest.mark.parametrize(("noise", "learned"), [(False, True), (True, False)])
def test_finalists_may_learn_where_shared_weights_do_not(
    noise: bool, learned: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared weights that learn nothing in time leave theta unchanged."""
    monkeypatch.setattr(ThetaStart, "_weights_have_learned", never)

    def run() -> Any:
        settings: dict[str, Any] = {"steps": 300, "batch_size": 20}
        settings["optimizer"] = {"learning_rate": 0.03}
        return pdas.search(net(), loss, data(noise), **settings)

    if not learned:
        with pytest.raises(NotLearnedError, match="and no finalist that was trained separately"):
            run()
        return
    result = run()
    assert "drawn from a theta that did not begin" in caplog.text
    assert "nothing was learned: theta ended as it began" in caplog.text
    assert np.array_equal(result.theta[0], result.theta[-1])
    assert result.finalists[0].loss < 1  # of a variance of 2


LOOK = ThetaStart._weights_have_learned


def never(start: ThetaStart) -> bool:
    LOOK(start)
    return False


def test_theta_waits_for_weights_that_learn_late() -> None:
    """The only weight that is trained before step 30 is a bias, which is a constant output."""
    module = net()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    nn.init.zeros_(module.module[2].weight)
    module.module[2].bias.requires_grad_(True)
    began: list[int] = []
    optimizer = pdas.PDAS(module.space, seed=0)

    def keep(progress: Any) -> None:
        if progress.step == 30:
            for parameter in module.parameters():
                parameter.requires_grad_(True)
        if optimizer.state_dict()["step"] == 1 and not began:
            began.append(progress.step)

    settings = {"steps": 300, "batch_size": 20, "optimizer": {"learning_rate": 0.05}, "warmup": 10}
    settings["theta_samples"] = 16
    pdas.search(module, loss, data(), preset="paper", method=optimizer, on_step=keep, **settings)
    assert began and 30 < began[0] < 60


def test_without_a_warmup_nothing_is_checked() -> None:
    found, _ = states(optimizer={"learning_rate": 1e-9})
    assert [state["step"] for state in found] == list(range(1, 61))


class FakeStep:
    """Gives the losses that it was given, of 8 architectures on each batch in turn."""

    def __init__(self, losses: np.ndarray) -> None:
        self._losses = iter(losses)
        self.looked = 0

    def model(self, architecture: Any) -> Any:
        return nn.Linear(1, 1)

    def losses(self, architectures: Any, batches: Any) -> list[float]:
        self.looked += 1
        assert len(architectures) == 8
        return next(self._losses).tolist()


def started(losses: np.ndarray, warmup: int = 4, steps: int = 24) -> tuple[ThetaStart, FakeStep]:
    """Targets of variance 1, but in every batch a bit different."""
    x = torch.zeros(4, 1)
    spread = [1 + 0.1 * i for i in range(8)]
    batches = [(x, s * torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])) for s in spread]
    step = FakeStep(losses)
    optimizer = pdas.PDAS(net().space, seed=0)
    plan = Plan(steps, warmup, 16, finalists=0, trial_passes=0.0, trial_steps=None, step_passes=2.0)
    return (
        ThetaStart(plan, step, loss, optimizer, ResumableBatches(batches), lambda x: x, ALONE),  # type: ignore[arg-type]
        step,
    )


def test_theta_begins_when_two_of_eight_gain_by_two_standard_errors() -> None:
    """As Student's t says of them."""
    chance = np.square([1 + 0.1 * i for i in range(8)])
    outcomes = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        gains = rng.normal(0.35 * rng.random(8), 0.5, size=(8, 8))
        learned = np.sum(stats.ttest_1samp(gains, 0).statistic > 2) >= 2
        start, step = started(chance[:, np.newaxis] - gains)
        assert start(5) == learned
        assert step.looked == 8
        outcomes.add(bool(learned))
    assert outcomes == {True, False}


def test_it_is_looked_at_twenty_times_at_most_and_not_again_once_begun() -> None:
    bad, good = np.full((8, 8), 9.0), np.zeros((8, 8))
    start, step = started(np.concatenate([bad] * 99), warmup=10, steps=110)
    assert not any(start(i) for i in range(1, 111))
    assert step.looked == 20 * 8
    with pytest.raises(NotLearnedError):
        start.end()
    start, step = started(np.concatenate([bad, bad, good]), warmup=10, steps=110)
    begun = [start(i) for i in range(1, 111)]
    assert begun == [False] * 20 + [True] * 90 and step.looked == 3 * 8  # 11, 16 and 21
    start.end()


def test_a_look_costs_no_more_than_steps_without_theta_have_saved() -> None:
    """64 forward passes a look, of 16 a step."""
    start, step = started(np.concatenate([np.full((8, 8), 9.0)] * 99), warmup=10, steps=50)
    looks = []
    for i in range(1, 51):
        before = step.looked
        assert not start(i)
        looks += [i] if step.looked > before else []
    assert looks == list(range(11, 51, 4))


@pytest.mark.parametrize("end", [nn.LogSoftmax(1), nn.Softmax(1)])
def test_a_network_that_ends_in_probabilities_is_not_held_to_a_constant(end: nn.Module) -> None:
    torch.manual_seed(0)
    acts = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
    module = Supernet(nn.Sequential(nn.Linear(2, 16), Choice("act", acts), nn.Linear(16, 3), end))
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    classes = TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long())

    def likelihood(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        out = model(batch[0])
        return nll_loss(out if isinstance(end, nn.LogSoftmax) else out.log(), batch[1])

    settings = {"steps": 60, "batch_size": 20, "optimizer": {"learning_rate": 0.05}, "warmup": 10}
    result = pdas.search(module, likelihood, classes, preset="paper", **settings)
    assert result.history[-1].measures["theta_loss"] < np.log(3)


def test_memory_that_runs_out_is_not_taken_for_a_loss_that_asks_more() -> None:
    def greedy(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        if isinstance(model, ConstantOutput):
            raise torch.OutOfMemoryError("out of memory")
        return loss(model, batch)

    settings = {"steps": 60, "batch_size": 20, "optimizer": {"learning_rate": 0.05}, "warmup": 10}
    with pytest.raises(OutOfMemoryError):
        pdas.search(net(), greedy, data(), preset="paper", **settings)


def test_once_begun_it_stays_so_after_a_resume() -> None:
    start, _ = started(np.zeros((8, 8)))
    assert start(5)
    other, step = started(np.zeros((0, 8)))
    other.load_state_dict(start.state_dict())
    assert other(6) and step.looked == 0


def test_a_loss_for_which_there_is_no_constant_output_does_not_wait() -> None:
    def penalised(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return loss(model, batch) + 0 * model.weight.sum()

    start, step = started(np.full((8, 8), 9.0))
    start._loss = penalised
    assert not start(4) and start(5) and step.looked == 0
