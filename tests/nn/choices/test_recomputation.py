"""What a checkpoint runs again in the backward pass has the architecture of its call."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pdas.nn import Choice, Linear, OptionalLayer, Supernet, Value
from pdas.nn.choices.recomputation import MOST
from pdas.space import Architecture
from pdas.support.errors import NetworkError

Run = Callable[..., Tensor]


def called(function: Run, x: Tensor) -> Tensor:
    return function(x)


class Block(nn.Module):
    """A width and a choice with noise."""

    def __init__(self, number: int, width: Value) -> None:
        super().__init__()
        self.up, self.down = Linear(6, width), Linear(width, 6)
        deep = nn.Sequential(nn.Linear(6, 6), nn.Tanh())
        ops = {"relu": nn.ReLU(), "deep": deep, "noise": nn.Dropout(0.5)}
        self.op = Choice(f"op{number}", ops)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.op(self.down(torch.tanh(self.up(x))))


class Net(nn.Module):
    """Three blocks; the first in a checkpoint of its own, within another of the first two."""

    def __init__(self, outer: Run = called, inner: Run = called) -> None:
        super().__init__()
        width = Value("width", [3, 8, 5])
        self.stem = nn.Linear(6, 6)
        self.blocks = nn.ModuleList(Block(number, width) for number in range(3))
        self.outer, self.inner = outer, inner

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.blocks[2](self.outer(self.two, self.stem(x)))
        return out

    def two(self, x: Tensor) -> Tensor:
        out: Tensor = self.blocks[1](self.inner(self.blocks[0], x))
        return out


again, reentrant = (partial(checkpoint, use_reentrant=use) for use in (False, True))
CHECKPOINTS = {
    "one": (again, called),
    "reentrant": (reentrant, called),
    "nested": (again, again),
    "reentrant around": (reentrant, again),
    "reentrant within": (again, reentrant),
    "both reentrant": (reentrant, reentrant),
}


def architectures(net: Supernet) -> list[Architecture]:
    return net.space.architectures([[0, 0, 1, 2], [1, 2, 1, 0], [2, 1, 2, 1]])


def loss_of(net: Supernet) -> Tensor:
    """Of several architectures, each of which counts by another factor."""
    torch.manual_seed(1)
    x = torch.randn(4, 6)
    losses = [i * net(x, a).square().mean() for i, a in enumerate(architectures(net), start=1)]
    return torch.stack(losses).sum()


def gradients(run: Callable[[Supernet], None], *checkpoints: Run) -> list[Tensor | None]:
    """Of all weights, after `run` in a new network."""
    torch.manual_seed(0)
    net = Supernet(Net(*checkpoints))
    run(net)
    return [weight.grad for weight in net.parameters()]


def assert_same(found: list[Tensor | None], expected: list[Tensor | None]) -> None:
    assert any(gradient is not None for gradient in expected)
    for one, other in zip(found, expected, strict=True):
        assert one is other is None or torch.equal(one, other)


def once(net: Supernet) -> None:
    loss_of(net).backward()


def last_first(net: Supernet) -> None:
    losses = [loss_of(net) for _ in range(3)]
    for loss in reversed(losses):
        loss.backward()


def in_another_thread(net: Supernet) -> None:
    """As on a GPU, whose part of the backward pass has a thread of its own."""
    for _ in range(3):  # its count begins with 0, so that the numbers come close to those of calls
        net.zero_grad()
        thread = threading.Thread(target=loss_of(net).backward)
        thread.start()
        thread.join()


@pytest.mark.parametrize("checkpoints", CHECKPOINTS.values(), ids=CHECKPOINTS)
@pytest.mark.parametrize("run", [once, last_first, in_another_thread])
def test_gradients_are_those_without_it(run: Any, checkpoints: tuple[Run, Run]) -> None:
    found, expected = gradients(run, *checkpoints), gradients(run)
    if run is last_first and reentrant in checkpoints:  # which adds up in another order
        torch.testing.assert_close(found, expected)
    else:
        assert_same(found, expected)


def test_so_are_those_of_gradients_and_of_a_second_pass() -> None:
    def twice(net: Supernet) -> None:
        loss = loss_of(net)
        loss.backward(retain_graph=True)
        loss.backward()

    def of_gradients(net: Supernet) -> None:
        grads = torch.autograd.grad(
            loss_of(net), list(net.parameters()), create_graph=True, allow_unused=True
        )
        sum(grad.square().sum() for grad in grads if grad is not None).backward()  # type: ignore[union-attr]

    for run in (twice, of_gradients):
        for checkpoints in (CHECKPOINTS["one"], CHECKPOINTS["nested"]):
            assert_same(gradients(run, *checkpoints), gradients(run))


def test_a_call_within_a_call_has_its_own() -> None:
    class Twice(Net):
        def forward(self, x: Tensor, other: Architecture | None = None) -> Tensor:
            inside = 0 if other is None else self.net[0](x, other)
            return super().forward(x) + inside

    def run(checkpoints: tuple[Run, ...]) -> list[Tensor | None]:
        torch.manual_seed(0)
        module = Twice(*checkpoints)
        net = Supernet(module)
        module.net = [net]  # type: ignore[assignment]
        first, second, _ = architectures(net)
        net(torch.ones(2, 6), second, first).sum().backward()
        return [weight.grad for weight in net.parameters()]

    for checkpoints in CHECKPOINTS.values():
        assert_same(run(checkpoints), run(()))


def test_networks_that_share_choices_do_not_confuse_them() -> None:
    def run(run: Run) -> list[Tensor | None]:
        torch.manual_seed(0)
        module = Net(run)
        part, whole = Supernet(module.blocks[0]), Supernet(module)
        copied = copy.deepcopy(whole)
        first, second, third = architectures(whole)
        alone = part.space.architecture([2, 1])
        x = torch.ones(2, 6)
        calls = [
            whole(x, first),
            part(x, alone),
            copied(x, second),
            pickle.loads(pickle.dumps(whole))(x, third),
            checkpoint(whole, x, third, use_reentrant=False),
        ]
        torch.cat(calls).square().sum().backward()
        return [weight.grad for net in (whole, copied) for weight in net.parameters()]

    assert_same(run(again), run(called))


def test_widths_and_optional_layers_are_selected_again() -> None:
    class Two(nn.Module):
        def __init__(self, run: Run) -> None:
            super().__init__()
            width = Value("width", [2, 4])
            self.first, self.second = Linear(3, width), Linear(width, 3)
            self.extra = OptionalLayer("extra", nn.Linear(3, 3))
            self.run = run

        def forward(self, x: Tensor) -> Tensor:
            h = self.run(self.first, x)  # the weight alone is read in the recomputation
            return self.run(lambda h: self.extra(self.second(h)), h)

    def run(run: Run) -> list[Tensor | None]:
        torch.manual_seed(0)
        net = Supernet(Two(run))
        x = torch.ones(2, 3, requires_grad=True)
        calls = [net(x, a) for a in net.space.architectures([[0, 1], [1, 0]])]
        torch.stack(calls).square().sum().backward()
        return [x.grad, *(weight.grad for weight in net.parameters())]

    for way in (again, reentrant):
        assert_same(run(way), run(called))


def test_a_call_that_is_too_long_ago_is_named() -> None:
    net = Supernet(Net(again))
    first, second, _ = architectures(net)
    x = torch.ones(2, 6)
    loss = net(x, first).sum()
    for _ in range(MOST):
        net(x, second)
    message = r"found it used in the backward pass of none of the last calls .*; compute the grad"
    with pytest.raises(NetworkError, match=message):
        loss.backward()


def test_calls_that_cannot_be_told_apart_are_named() -> None:
    """Two threads count by themselves, so that nodes of theirs have the same numbers."""
    net = Supernet(Net(again))
    outputs: list[Tensor] = []

    def call(architecture: Architecture) -> None:
        outputs.append(net(torch.ones(2, 6), architecture))

    for architecture in architectures(net)[:2]:
        thread = threading.Thread(target=call, args=(architecture,))
        thread.start()
        thread.join()
    with pytest.raises(NetworkError, match=r"found calls of the network in several threads"):
        torch.cat(outputs).sum().backward()


def test_outside_of_both_passes_there_is_no_architecture() -> None:
    net = Supernet(Net(again))
    loss_of(net).backward()
    for use in (lambda: net.module(torch.ones(2, 6)), lambda: net.module.blocks[0].op.selected):
        with pytest.raises(NetworkError, match=r"no architecture .*, not the module itself"):
            use()
