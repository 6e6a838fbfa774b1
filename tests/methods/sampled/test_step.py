"""One step of Algorithm 1, on networks so small that its gradient is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn

from pdas.distributed.ranks import Ranks
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.sampled.step import SearchStep
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError
from pdas.training.candidates import Candidates, bind
from pdas.training.settings import TrainingSettings
from pdas.training.weights.training import WeightTraining


class Pick(nn.Module):
    """The output is the chosen weight times the input."""

    space = SearchSpace({"which": ["a", "b", "c"]})

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(i + 1.0)) for i, name in enumerate("abc")}
        )

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.weights[str(architecture["which"])] * x


class Together(Pick):
    """The same, for all architectures at once."""

    calls = 0

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        self.calls += 1
        return [self(x, architecture) for architecture in architectures]


class Script:
    """An optimizer that gives what it was told to give, and keeps what it is told."""

    space = Pick.space

    def __init__(self, *names: str) -> None:
        self.asked = 0
        self.told: list[tuple[list[str], list[float]]] = []
        self._names = names

    def ask(self, n: int | None = None) -> list[Architecture]:
        self.asked += 1
        return [self.space.architecture({"which": name}) for name in self._names]

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        self.told.append(([a["which"] for a in architectures], list(losses)))


def loss(model: Any, batch: Tensor) -> Tensor:
    return model(batch).mean()


def make(
    net: nn.Module, script: Script, fabric: Fabric | None = None, **options: Any
) -> SearchStep:
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    weights = training(net, fabric, clip=options.pop("clip", 100.0), momentum=0.9, weight_decay=0.5)
    return SearchStep(fabric, weights.network, loss, script, weights, **options)  # type: ignore[arg-type]


def training(net: nn.Module, fabric: Fabric, clip: float, **optimizer: float) -> WeightTraining:
    """Stochastic gradient descent with a learning rate of 0.1."""
    settings = TrainingSettings(
        steps=99, clip=clip, optimizer={"learning_rate": 0.1, **optimizer}, schedule="constant"
    )
    ranks = Ranks(fabric)
    return WeightTraining(Candidates(net), settings, fabric, ranks, steps=99, per_epoch=99)


def values(net: Pick) -> dict[str, float]:
    return {name: float(weight.detach()) for name, weight in net.weights.items()}


@pytest.mark.parametrize("kind", [Pick, Together])
def test_weights_move_by_the_mean_gradient_and_theta_sees_the_new_ones(kind: type[Pick]) -> None:
    net, script = kind(), Script("a", "b")
    record = make(net, script)(torch.tensor([4.0]), torch.tensor([10.0]))
    # d loss / d a = 4 / 2 by (2), and weight decay 0.5 * a
    a, b = 1.0 - 0.1 * (2.0 + 0.5 * 1.0), 2.0 - 0.1 * (2.0 + 0.5 * 2.0)
    assert values(net) == pytest.approx({"a": a, "b": b, "c": 3.0})
    ((names, losses),) = script.told
    assert names == ["a", "b"]
    assert losses == pytest.approx([10 * a, 10 * b])
    assert record.weights == pytest.approx({"loss": (4.0 + 8.0) / 2})
    assert record.theta == pytest.approx({"loss": (10 * a + 10 * b) / 2})


def test_an_unused_weight_has_neither_decay_nor_momentum() -> None:
    net, script = Pick(), Script("c", "c")
    step = make(net, script)
    step(torch.ones(1), torch.ones(1))
    moved = values(net)["c"]
    script._names = ("a", "b")
    step(torch.ones(1), torch.ones(1))
    assert moved != 3.0
    assert values(net)["c"] == moved


def test_the_gradient_is_clipped_at_its_norm() -> None:
    net = Pick()
    make(net, Script("a", "a"), clip=1.0)(torch.tensor([50.0]), torch.ones(1))
    assert values(net)["a"] == pytest.approx(1.0 - 0.1 * (1.0 + 0.5))


def test_an_architecture_with_a_loss_that_is_not_finite_is_dropped_from_the_gradient() -> None:
    net, script = Pick(), Script("a", "b")
    with torch.no_grad():
        net.weights["b"].fill_(torch.nan)
    make(net, script)(torch.tensor([4.0]), torch.ones(1))
    assert values(net)["a"] == pytest.approx(1.0 - 0.1 * (4.0 + 0.5))


def test_no_finite_loss_stops_the_search_and_leaves_the_weights() -> None:
    net, script = Pick(), Script("a", "b")
    with pytest.raises(
        NonFiniteLossError, match=r"step 1, .*; lower search\.optimizer\.learning_rate"
    ):
        make(net, script)(torch.tensor([torch.inf]), torch.ones(1))
    assert values(net) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert not script.told


def test_a_gradient_that_is_not_finite_is_an_error_of_one_line() -> None:
    net = Pick()
    step = make(net, Script("a", "b"))
    step._loss = lambda model, batch: model(batch).sum().sqrt()  # 0 has an infinite slope
    with pytest.raises(NonFiniteLossError, match="gradient"):
        step(torch.zeros(1), torch.ones(1))
    assert values(net) == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_resampling_asks_again_for_theta() -> None:
    script = Script("a", "b")
    make(Pick(), script)(torch.ones(1), torch.ones(1))
    assert script.asked == 1
    make(Pick(), script, resample=True)(torch.ones(1), torch.ones(1))
    assert script.asked == 3


def test_forward_many_runs_once_an_input() -> None:
    net = Together()
    models = bind(Candidates(net), [net.space.architecture({"which": name}) for name in "abc"])
    x = torch.ones(2)
    assert [float(model(x)[0].detach()) for model in models] == [1.0, 2.0, 3.0]
    assert net.calls == 1
    models[0](torch.ones(2))
    assert net.calls == 2


def test_every_architecture_sees_the_same_batch() -> None:
    seen: list[Any] = []
    step = make(Pick(), Script("a", "b", "c"))

    def watch(model: Any, batch: Tensor) -> Tensor:
        seen.append((torch.is_grad_enabled(), batch))
        return loss(model, batch)

    step._loss = watch
    weight_batch, theta_batch = torch.ones(2), torch.ones(2)
    step(weight_batch, theta_batch)
    assert [enabled for enabled, _ in seen] == [True] * 3 + [False] * 3
    assert all(batch is weight_batch for _, batch in seen[:3])
    assert all(batch is theta_batch for _, batch in seen[3:])


def test_the_update_of_theta_touches_no_weight_and_no_gradient() -> None:
    net = Pick()
    step = make(net, Script("a", "b"))
    step(torch.tensor([4.0]), torch.ones(1))
    before = {name: (float(w.detach()), w.grad) for name, w in net.weights.items()}
    step._update_theta(step._optimizer.ask(2), torch.tensor([1e6]))
    assert {name: (float(w.detach()), w.grad) for name, w in net.weights.items()} == before


def test_no_finite_loss_leaves_the_momentum() -> None:
    net = Pick()
    step = make(net, Script("a", "b"))
    step(torch.ones(1), torch.ones(1))
    before = {key: float(s["momentum_buffer"]) for key, s in momenta(step).items()}
    with pytest.raises(NonFiniteLossError) as error:
        step(torch.tensor([torch.nan]), torch.ones(1))
    assert "\n" not in str(error.value)
    assert {key: float(s["momentum_buffer"]) for key, s in momenta(step).items()} == before


def momenta(step: SearchStep) -> dict[int, dict[str, Any]]:
    assert step._update is not None
    return step._update._weights.optimizer.state_dict()["state"]


def test_in_16_bit_precision_an_overflow_passes_the_step_over() -> None:
    net = Pick()
    script = Script("a", "b")
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    fabric = Fabric(accelerator="cpu", devices=1, plugins=precision)
    weights = training(net, fabric, clip=100.0, momentum=0.0, weight_decay=0.0)
    step = SearchStep(fabric, weights.network, loss, script, weights)
    step(torch.tensor([6e4]), torch.ones(1))  # times the scale of the loss: infinite
    assert values(net) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert len(script.told) == 1


def test_dropped_architectures_are_logged_ever_more_seldom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    net, script = Pick(), Script("a", "b")
    net.weights["b"].data.fill_(float("inf"))
    step = make(net, script)
    for _ in range(4):  # each drops b from both updates
        step(torch.tensor([4.0]), torch.tensor([10.0]))
    lines = [record.getMessage() for record in caplog.records]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4
    assert "training loss: inf for the architecture (b) in step 1," in lines[0]
    assert [line.split("dropped ")[-1] for line in lines] == [f"({n} in all)" for n in (1, 2, 4, 8)]


@pytest.mark.parametrize("kind", [Pick, Together])
def test_a_batch_in_parts_makes_the_step_of_the_whole_one(kind: type[Pick]) -> None:
    steps = []
    for accumulate in (1, 2, 4):
        net, script = kind(), Script("a", "b")
        seen: list[int] = []
        net.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(len(inputs[0])))
        step = make(net, script, accumulate=accumulate)
        record = step(torch.arange(4.0), torch.arange(8.0))
        steps.append((values(net), script.told[0][1], record.weights, record.theta))
        if kind is Pick:
            assert max(seen) == 8 // accumulate
    for values_, told, weights, theta in steps[1:]:
        assert values_ == pytest.approx(steps[0][0])
        assert told == pytest.approx(steps[0][1])
        assert weights == pytest.approx(steps[0][2])
        assert theta == pytest.approx(steps[0][3])


@pytest.mark.parametrize("kind", [Pick, Together])
@pytest.mark.parametrize("bad", [0, 1, 2, 3])
def test_an_architecture_that_is_dropped_in_a_later_part_leaves_no_gradient(
    kind: type[Pick], bad: int
) -> None:
    batch = torch.arange(1.0, 5.0)

    def spoilt(model: Any, part: Tensor) -> Tensor:
        output = model(part).mean()
        by_b = float(output.detach()) != float(part.mean())
        return output * torch.nan if by_b and bad + 1.0 in part else output

    nets = []
    for accumulate in (1, 4):
        net = kind()
        step = make(net, Script("a", "b"), accumulate=accumulate)
        step._loss = spoilt
        record = step(batch, torch.tensor([9.0] * 4))
        assert record.weights == pytest.approx({"loss": 2.5})  # that of a alone
        nets.append(values(net))
    assert nets[1] == pytest.approx(nets[0])
    assert nets[0]["a"] == pytest.approx(1.0 - 0.1 * (2.5 + 0.5))
    assert nets[0]["b"] == 2.0


def test_no_finite_loss_in_a_later_part_stops_the_search_and_leaves_the_weights() -> None:
    net, script = Pick(), Script("a", "b")
    with pytest.raises(NonFiniteLossError, match="step 1"):
        make(net, script, accumulate=2)(torch.tensor([1.0, torch.inf]), torch.ones(2))
    assert values(net) == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_a_theta_loss_of_which_a_part_is_not_finite_is_not_finite() -> None:
    script = Script("a", "b")
    make(Pick(), script, accumulate=2)(torch.ones(2), torch.tensor([1.0, torch.nan]))
    assert all(loss != loss for loss in script.told[0][1])


class Rounds(Script):
    """Gives the architectures of each call of `ask` in turn."""

    def __init__(self, *rounds: str) -> None:
        super().__init__()
        self._rounds = iter(rounds)
        self.counts: list[int | None] = []

    def ask(self, n: int | None = None) -> list[Architecture]:
        self.counts.append(n)
        return [self.space.architecture({"which": name}) for name in next(self._rounds)]


@pytest.mark.parametrize("kind", [Pick, Together])
def test_theta_learns_from_further_architectures_on_the_same_batch(kind: type[Pick]) -> None:
    net, alone = kind(), kind()
    script = Rounds("ab", "cca")
    make(net, script, theta_samples=5)(torch.ones(2), torch.tensor([2.0, 4.0]))
    make(alone, Script("a", "b"))(torch.ones(2), torch.tensor([2.0, 4.0]))
    assert values(net) == values(alone)  # which further ones have no part in
    assert net.weights["c"].grad is None
    assert script.counts == [None, 3]
    ((names, losses),) = script.told
    assert names == ["a", "b", "c", "c", "a"]
    assert losses == pytest.approx([3 * values(net)[name] for name in names])


def test_theta_moves_by_the_utilities_of_all_that_it_learns_from() -> None:
    """(4) with lambda = 5: the best two by +1, the worst two by -1."""
    optimizer = PDAS(Pick.space, seed=0, eta=0.1)
    told: list[Any] = []

    class Kept(Script):
        def ask(self, n: int | None = None) -> list[Architecture]:
            return [self.space.architecture({"which": x}) for x in ("ab" if n is None else "ccb")]

        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            told.append(list(losses))
            optimizer.tell(architectures, losses, active)

    make(Pick(), Kept(), theta_samples=5)(torch.zeros(1), torch.tensor([1.0]))
    assert len(told[0]) == 5 and np.argsort(told[0], kind="stable").tolist() == [0, 1, 4, 2, 3]
    # a is +1; both b share the mean of +1 and 0; both c are -1
    moved = 0.1 / 5 * np.array([1, 1, -2])  # the utilities add up to 0
    assert optimizer.theta["which"] == pytest.approx(1 / 3 + moved)


def test_without_a_theta_batch_theta_is_told_nothing() -> None:
    net, script = Pick(), Script("a", "b")
    record = make(net, script, theta_samples=5)(torch.ones(2), None)
    assert script.told == [] and script.asked == 1
    assert record.theta == {} and record.weights["loss"] == pytest.approx(1.5)
    assert net.weights["a"].grad is not None


def test_resampling_draws_all_that_theta_learns_from() -> None:
    script = Rounds("ab", "ccc")
    make(Pick(), script, theta_samples=3, resample=True)(torch.ones(2), torch.ones(2))
    assert script.counts == [None, 3] and script.told[0][0] == ["c", "c", "c"]


def test_losses_of_the_shared_weights_are_means_over_batches() -> None:
    net = Pick()
    step = make(net, Script("a", "b"), theta_mode="eval")
    architectures = Script("a", "c").ask()
    found = step.losses(architectures, [torch.ones(1), torch.tensor([3.0])])
    assert found == [2.0, 6.0]


class Noisy(nn.Module):
    """Two candidates that differ in their dropout alone."""

    space = SearchSpace({"rate": [0.0, 0.5]})

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        kept = nn.functional.dropout(x, float(architecture["rate"]), self.training)
        return (kept * self.weight - 1).square().sum(1)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_in_evaluation_mode_dropout_does_not_decide(mode: str) -> None:
    told: list[float] = []

    class Both(Script):
        def ask(self, n: int | None = None) -> list[Architecture]:
            return [Noisy.space.architecture({"rate": rate}) for rate in (0.0, 0.5)]

        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            told.extend(losses)

    net = Noisy()
    step = make(net, Both(), theta_mode=mode)
    step(torch.ones(64, 4), torch.ones(64, 4))
    assert (told[0] == told[1]) == (mode == "eval")
    one, other = step.losses(Both().ask(), [torch.ones(64, 4)])
    assert (one == other) == (mode == "eval")
    assert net.training
