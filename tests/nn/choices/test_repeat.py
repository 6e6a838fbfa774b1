"""A stack of which some blocks run is what the code around a stack needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pdas.nn import OptionalLayer, Repeat, Supernet
from pdas.support.errors import NetworkError, SettingError
from tests.nn.choice_helpers import every, multiply_adds, parameters

X = torch.randn(2, 3)


class Block(nn.Linear):
    """Of more than one input."""

    def __init__(self) -> None:
        super().__init__(3, 3)
        self.kind = "full"

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:  # type: ignore[override]
        return scale * super().forward(x)


class Uses(nn.Module):
    """Uses its layers in a way of its own."""

    def __init__(self, layers: Any, way: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.layers, self.way = layers, way

    def forward(self, x: Tensor) -> Any:
        return self.way(self.layers, x)


def looped(layers: Any, x: Tensor) -> Tensor:
    for i, layer in enumerate(layers):
        x = layer(x, scale=i + 1)
    return x


def sliced(layers: Any, x: Tensor) -> Tensor:
    for layer in layers[:2]:
        x = layer(x)
    return x + len(layers[1:]) * layers[-1](x)


def backwards(layers: Any, x: Tensor) -> Tensor:
    for layer in reversed(layers):
        x = layer(x)
    return x


def called(layers: Any, x: Tensor) -> Tensor:
    out: Tensor = layers(x)
    return out


def called_in_part(layers: Any, x: Tensor) -> Tensor:
    out: Tensor = layers[1:](x) + len(layers)
    return out


def read(layers: Any, x: Tensor) -> Any:
    return [layer.kind for layer in layers], layers[0].weight, layers[-1].training


WAYS = [looped, sliced, backwards, called, called_in_part, read]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("keep", ["first", "spread"])
def test_it_is_the_shorter_stack_to_the_code_around_it(way: Any, keep: Any) -> None:
    blocks = [Block() for _ in range(5)]
    net = Supernet(Uses(Repeat("depth", blocks, [1, 5, 3], keep=keep), way))
    kept = {"first": [[0], [0, 1, 2, 3, 4], [0, 1, 2]], "spread": [[0], [0, 1, 2, 3, 4], [0, 2, 4]]}
    for architecture, numbers in zip(every(net), kept[keep], strict=True):
        expected = way(nn.Sequential(*(blocks[i] for i in numbers)), X)
        network = net.derive(architecture, keep_weights=True)
        assert type(network.layers) is nn.Sequential and len(network.layers) == len(numbers)
        for found in (net(X, architecture), network(X)):
            assert str(found) == str(expected)
            assert not isinstance(found, Tensor) or torch.equal(found, expected)


@pytest.mark.parametrize(
    ("blocks", "count", "numbers"),
    [
        (4, 0, []),
        (4, 1, [0]),
        (4, 2, [0, 3]),
        (4, 3, [0, 2, 3]),
        (12, 8, [0, 2, 3, 5, 6, 8, 9, 11]),
        (12, 12, [*range(12)]),
    ],
)
def test_blocks_are_spread_at_equal_distances(blocks: int, count: int, numbers: list[int]) -> None:
    stack = Repeat("depth", [nn.Identity() for _ in range(blocks)], [count], keep="spread")
    assert [i for i, used in enumerate(stack.used_with) if used.all()] == numbers
    exact = np.linspace(0, blocks - 1, count) if count > 1 else np.zeros(count)
    assert np.abs(exact - numbers).max(initial=0) <= 0.5


@pytest.mark.parametrize("way", [called, looped])
def test_what_the_blocks_cost_is_counted(way: Any) -> None:
    blocks = [nn.Sequential(nn.Linear(3, i), nn.Linear(i, 3)) for i in range(1, 6)]
    if way is looped:
        blocks = [Block() for _ in range(5)]
    for keep in ("first", "spread"):
        net = Supernet(Uses(Repeat("depth", blocks, [4, 2, 3], keep=keep), way))  # type: ignore[arg-type]
        net.check(X[:1])
        cost, size = net.cost("multiply_adds", X[:1]), net.cost("parameters")
        for architecture in every(net):
            network = net.derive(architecture)
            assert cost(architecture) == multiply_adds(network, X[:1])
            assert size(architecture) == parameters(network)


def test_outside_of_a_call_it_is_the_whole_stack() -> None:
    blocks = nn.ModuleList(Block() for _ in range(3))
    stack = Repeat("depth", blocks, [1])
    assert len(stack) == 3 and [*stack] == [*blocks]
    assert stack[1] is blocks[1] and [*stack[:-1]] == [*blocks[:-1]]
    with pytest.raises(IndexError):
        stack[3]
    with pytest.raises(NetworkError, match="outside of a supernet"):
        stack(X)


def test_it_is_the_shorter_stack_in_a_recomputation() -> None:
    def gradients(run: Callable[..., Tensor]) -> list[Tensor | None]:
        torch.manual_seed(0)
        blocks = [Block() for _ in range(3)]
        net = Supernet(Uses(Repeat("depth", blocks), lambda layers, x: run(looped, layers, x)))
        torch.stack([net(X, a) for a in every(net)]).square().sum().backward()
        return [weight.grad for weight in net.parameters()]

    def again(way: Any, layers: Any, x: Tensor, reentrant: bool) -> Any:
        return checkpoint(way, layers, x.clone().requires_grad_(), use_reentrant=reentrant)

    expected = gradients(lambda way, layers, x: way(layers, x))
    for reentrant in (True, False):
        found = gradients(partial(again, reentrant=reentrant))
        assert all(map(torch.equal, found, expected))


def test_a_stage_of_a_public_network_is_one_line() -> None:
    plain, resnet = (torchvision.models.resnet18().eval() for _ in range(2))
    resnet.layer3 = Repeat("depth3", resnet.layer3)
    resnet.layer4 = Repeat("depth4", resnet.layer4, keep="spread")
    resnet.layer2[1] = OptionalLayer("extra", resnet.layer2[1])
    resnet.load_state_dict(plain.state_dict())
    assert [*resnet.state_dict()] == [*plain.state_dict()]
    net, x = Supernet(resnet), torch.randn(1, 3, 64, 64)
    net.check(x)
    cost, size = net.cost("multiply_adds", x), net.cost("parameters")
    for indices in ([0, 1, 1], [1, 0, 1], [0, 0, 0]):
        architecture = net.space.architecture(indices)
        network = net.derive(architecture, keep_weights=True)
        with torch.no_grad():
            assert torch.equal(network(x), net(x, architecture))
        assert cost(architecture) == multiply_adds(network, x)
        assert size(architecture) == parameters(network)
    whole = net.space.architecture({"extra": True, "depth3": 2, "depth4": 2})
    with torch.no_grad():
        assert torch.equal(net(x, whole), plain(x))


def test_names_of_blocks_stay() -> None:
    named = nn.Sequential()
    for name in ("stem", "body", "head"):
        named.add_module(name, nn.Linear(3, 3))
    net = Supernet(Repeat("depth", named, [2], keep="spread"))
    assert [*net.module.state_dict()] == [*named.state_dict()]
    assert [*net.derive(every(net)[0])._modules] == ["stem", "head"]


def test_another_way_to_keep_blocks_is_named() -> None:
    with pytest.raises(SettingError, match=r"keep: found 'last'"):
        Repeat("depth", [nn.Identity()], keep="last")  # type: ignore[arg-type]
