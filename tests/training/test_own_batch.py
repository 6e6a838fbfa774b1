"""Two candidates that compute the same have the same loss, whatever a loss does to its batch."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.sampled.constant_output import constant_losses
from pdas.nn import Choice, Supernet
from pdas.space import Architecture
from pdas.support.errors import NetworkError, SettingError
from pdas.training.candidates import Candidates, bind
from pdas.training.own_batch import OwnBatch


class Same(nn.Module):
    """A network in which the choice, of three equal candidates, changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.which = Choice("which", {name: nn.Identity() for name in "abc"})
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.which(x))


class Sharing(nn.Module):
    """The same, for all architectures at once."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Supernet(Same())
        self.space = self.net.space
        self.calls = 0

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.net(x, architecture)

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        self.calls += 1
        return [self(x, architecture) for architecture in architectures]

    def derive(self, architecture: Architecture) -> nn.Module:
        return self.net.derive(architecture)


class Encoding(UserDict[str, Any]):
    """As `BatchEncoding` of Hugging Face."""


@dataclass
class Plain:
    x: Tensor
    y: Tensor


def squared(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return (model(x) - y).square().mean()


def replaces(model: Any, batch: Any) -> Tensor:
    batch[0] = batch[0] / 2
    return squared(model, batch[0], batch[1])


def replaces_by_name(model: Any, batch: Any) -> Tensor:
    batch["x"] = batch["x"] / 2
    return squared(model, batch["x"], batch["y"])


def pops(model: Any, batch: Any) -> Tensor:
    labels = batch.pop("y")
    return squared(model, *batch.values(), labels)


def nested(model: Any, batch: Any) -> Tensor:
    batch["in"][0]["x"] = batch["in"][0]["x"] / 2
    return squared(model, batch["in"][0]["x"], batch["in"][1].pop())


def sets(model: Any, batch: Any) -> Tensor:
    batch.x = batch.x / 2
    return squared(model, batch.x, batch.y)


Make = Callable[[Tensor, Tensor], Any]
LOSSES: dict[str, tuple[Callable[[Any, Any], Tensor], Make]] = {
    "list": (replaces, lambda x, y: [x, y]),
    "dict": (replaces_by_name, lambda x, y: {"x": x, "y": y}),
    "pop": (pops, lambda x, y: {"x": x, "y": y}),
    "encoding": (pops, lambda x, y: Encoding(x=x, y=y)),
    "nested": (nested, lambda x, y: {"in": ({"x": x}, [y])}),
    "dataclass": (sets, Plain),
    "own class": (sets, lambda x, y: SimpleNamespace(x=x, y=y)),
}


class Kept:
    """Batches that are the same objects in every pass, so that a change of one would stay."""

    def __init__(self, batches: Sequence[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def batches(make: Make, count: int = 9) -> Kept:
    torch.manual_seed(1)
    return Kept([make(torch.randn(4, 3), torch.randn(4, 1)) for _ in range(count)])


class Told(PDAS):
    """Keeps the losses of each step."""

    losses: list[list[float]]

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        self.losses.append(list(losses))
        super().tell(architectures, losses, active)


def searched(net: Any, loss: Any, data: Any, **settings: Any) -> list[list[float]]:
    method = Told(net.space, seed=0)
    method.losses = []
    pdas.search(
        net, loss, (data, data), method=method, preset="paper", schedule="constant", **settings
    )
    assert all(share == 1 / 3 for share in method.theta["which"].tolist())
    return method.losses


def search(net: Any, loss: Any, data: Any) -> list[list[float]]:
    return searched(net, loss, data, steps=12)


def search_of_further_samples(net: Any, loss: Any, data: Any) -> list[list[float]]:
    return searched(net, loss, data, steps=9, theta_samples=5, theta_mode="eval")


def search_of_theta_alone(net: Any, loss: Any, data: Any) -> list[list[float]]:
    return searched(net, loss, data, steps=3, train_weights=False)


def finalists(net: Any, loss: Any, data: Any) -> list[list[float]]:
    """Each is trained by itself from the same weights."""
    result = pdas.search(
        net, loss, (data, data), preset="paper", steps=60, finalists=3, finalists_share=0.5
    )
    assert all(finalist.steps for finalist in result.finalists[:1])
    return [[each.loss for each in result.finalists if each.steps == steps] for steps in range(99)]


def finalists_by_shared_weights(net: Any, loss: Any, data: Any) -> list[list[float]]:
    result = pdas.search(net, loss, (data, data), preset="paper", steps=30, finalists=3)
    return [[each.shared_loss for each in result.finalists]]


def probe(net: Any, loss: Any, data: Any) -> list[list[float]]:
    found = pdas.probe(net, loss, (data, data), architectures=3, preset="paper", steps=4)
    return [found.shared.tolist(), found.own.tolist()]


class Runs(pdas.SearchMethod):
    """A method of the user's own, which calls the loss itself."""

    def begin(self, context: Any) -> None:
        self.context = context
        self.losses: list[list[float]] = []

    def step(self, weight_batch: Any, theta_batch: Any) -> dict[str, float]:
        space = self.context.space
        models = bind(self.context.network, [space.architecture([i]) for i in (0, 1, 2, 0)])
        found = [self.context.loss(model, weight_batch) for model in models]
        self.losses.append([float(loss.detach()) for loss in found])
        return {"loss": self.losses[-1][0]}

    def best(self) -> Architecture:
        return self.context.space.architecture([0])

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def own_method(net: Any, loss: Any, data: Any) -> list[list[float]]:
    method = Runs()
    pdas.search(net, loss, (data, data), method=method, steps=3, train_weights=False)
    return method.losses


def constant(net: Any, loss: Any, data: Any) -> list[list[float]]:
    """The best constant output has the same loss whether it is sought once or twice."""
    (model,) = bind(Candidates(net), [net.space.architecture([0])])
    found = [constant_losses(OwnBatch(loss), list(data), model) for _ in range(2)]
    assert found[0] is not None
    return [list(pair) for pair in zip(*found, strict=True)]  # type: ignore[arg-type]


LOOPS = [
    search,
    search_of_further_samples,
    search_of_theta_alone,
    finalists_by_shared_weights,
    own_method,
    constant,
]
SLOW_LOOPS = [finalists, probe]


@pytest.mark.filterwarnings("ignore:All-NaN")  # the correlation of equal losses
@pytest.mark.parametrize(
    ("kind", "loop"),
    [
        *((kind, loop) for kind in LOSSES for loop in LOOPS),
        *((kind, loop) for kind in ("list", "own class") for loop in SLOW_LOOPS),
    ],
)
def test_equal_candidates_have_equal_losses(kind: str, loop: Any) -> None:
    loss, make = LOSSES[kind]
    _check_equal(loop(Supernet(Same()), loss, batches(make)))


@pytest.mark.parametrize("loop", [search, search_of_further_samples, own_method])
@pytest.mark.parametrize("kind", LOSSES)
def test_so_they_have_where_architectures_share_what_they_compute(kind: str, loop: Any) -> None:
    loss, make = LOSSES[kind]
    _check_equal(loop(Sharing(), loss, batches(make)))


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind != "own class"])
def test_so_they_have_in_parts_of_a_batch(kind: str) -> None:
    loss, make = LOSSES[kind]
    _check_equal(searched(Supernet(Same()), loss, batches(make), steps=12, accumulate=2))


def _check_equal(losses: list[list[float]]) -> None:
    assert sum(map(len, losses)) > 2
    for of_a_step in losses:
        assert len(set(of_a_step)) <= 1


def in_place(model: Any, batch: Any) -> Tensor:
    return squared(model, batch["in"].mul_(2), batch["y"])


def by_item(model: Any, batch: Any) -> Tensor:
    batch["in"][:, 0] = 0
    return squared(model, batch["in"], batch["y"])


def through_a_view(model: Any, batch: Any) -> Tensor:
    x = batch["in"].view(-1)
    x /= 255
    return squared(model, batch["in"], batch["y"])


def plainly(model: Any, batch: Any) -> Tensor:
    return squared(model, batch["in"], batch["y"])


class Inplace(Same):
    """A network whose first module works in place, with every candidate or with one of them."""

    def __init__(self, candidates: str = "iii") -> None:
        super().__init__()
        kinds = {"i": nn.ReLU(inplace=True), "r": nn.ReLU()}
        self.which = Choice("which", {n: kinds[k] for n, k in zip("abc", candidates, strict=True)})


@pytest.mark.parametrize(
    ("loss", "net"),
    [
        (in_place, Same),
        (by_item, Same),
        (through_a_view, Same),
        (plainly, Inplace),
        (plainly, lambda: Inplace("rir")),
    ],
)
@pytest.mark.parametrize("loop", [search, search_of_theta_alone, finalists, probe, own_method])
def test_a_tensor_that_is_changed_in_place_is_named(loop: Any, loss: Any, net: Any) -> None:
    data = batches(lambda x, y: {"in": x, "y": y})
    line = r"loss: found batch\['in'\] changed in place when the architecture \([abc]\) ran, .*"
    with pytest.raises(SettingError, match=line + r"write x = x \* 2 for x\.mul_\(2\)") as error:
        loop(Supernet(net()), loss, data)
    assert "\n" not in str(error.value)


def test_so_it_is_in_the_training_of_a_single_network() -> None:
    with pytest.raises(SettingError, match=r"batch\[0\] changed in place when a network by itself"):
        OwnBatch(lambda model, batch: squared(model, batch[0].abs_(), batch[1]))(
            nn.Linear(3, 1), [torch.ones(2, 3), torch.ones(2, 1)]
        )


def test_a_best_constant_output_is_not_given_up_for_it() -> None:
    data = batches(lambda x, y: {"in": x, "y": y})
    with pytest.raises(SettingError, match="changed in place"):
        constant_losses(OwnBatch(by_item), list(data), nn.Linear(3, 1))


def models(net: Any, *choices: int) -> list[Any]:
    return bind(Candidates(net), [net.space.architecture([i]) for i in choices])


@pytest.mark.parametrize("scale", [1.0, 255.0])  # a tensor of the batch, or one made of it
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_architectures_that_run_together_may_not_work_in_place(
    order: tuple[int, int], scale: float
) -> None:
    net = Sharing()
    net.net = Supernet(Inplace("rir"))
    net.space = net.net.space
    x = torch.randn(4, 3)
    with pytest.raises(NetworkError, match=r"net: found an input that Sharing changed in place"):
        models(net, *order)[0](x / scale)


def test_the_same_tensors_in_other_containers_run_once() -> None:
    class Nested(Sharing):
        def forward(self, batch: Any, architecture: Architecture) -> Tensor:
            return self.net(batch["in"][0].x, architecture)

    net, x, y = Nested(), torch.randn(4, 3), torch.ones(4, 1)
    loss = OwnBatch(lambda model, batch: squared(model, *[batch], y))
    batch = {"in": [Plain(x, y)]}
    together = models(net, 0, 1, 2)
    assert len({float(loss(model, batch).detach()) for model in together}) == 1  # type: ignore[union-attr]
    assert net.calls == 1
    for other in ({"in": [Plain(x.clone(), y)]}, {"in": [Plain(x, y), 1]}, {"in": (Plain(x, y),)}):
        calls = net.calls
        loss(together[0], other)
        assert net.calls == calls + 1


def test_an_output_that_a_loss_changed_is_not_that_of_another_architecture() -> None:
    """Equal architectures have one output, as from `Memo`."""

    class One(Sharing):
        def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
            self.calls += 1
            return [self(x, architectures[0])] * len(architectures)

    def loss(model: Any, batch: Any) -> Tensor:
        output = model(batch[0])
        output -= batch[1]
        return output.square().mean()

    net, batch = One(), [torch.randn(4, 3), torch.randn(4, 1)]
    found = [float(OwnBatch(loss)(model, batch).detach()) for model in models(net, 0, 0, 1)]  # type: ignore[union-attr]
    with torch.no_grad():
        expected = float(squared(net.net.module.layer, *batch))
    assert found == [pytest.approx(expected)] * 3
