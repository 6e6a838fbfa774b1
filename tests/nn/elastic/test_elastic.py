"""Layers of chosen widths against plain layers, and against slices of the whole weight."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.weight import ElasticWeight
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every

IN, OUT = (3, 6, 4), (2, 8)


class Between(nn.Module):
    """A layer whose input is cut to its width."""

    def __init__(self, make: Callable[[Value, Value], nn.Module]) -> None:
        super().__init__()
        self.width = Value("in", IN)
        self.layer = make(self.width, Value("out", OUT))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1] * int(self.width.value) // max(IN)
        return self.layer(x[:, :channels])


LAYERS: dict[str, tuple[Callable[[Value, Value], Elastic], tuple[int, ...]]] = {
    "linear": (lambda i, o: P.Linear(i, o), (5, 6)),
    "linear without bias": (lambda i, o: P.Linear(i, o, bias=False), (5, 6)),
    "conv": (lambda i, o: P.Conv2d(i, o, 3, 2, 1), (5, 6, 7, 7)),
    "conv with dilation": (
        lambda i, o: P.Conv2d(i, o, (3, 1), dilation=2, bias=False),
        (5, 6, 9, 9),
    ),
    "depthwise": (lambda i, o: P.Conv2d(i, i, 3, padding=1, groups=i), (5, 6, 7, 7)),
    "transposed": (lambda i, o: P.ConvTranspose2d(i, o, 3, 2, 1, 1), (5, 6, 4, 4)),
    "batch norm of features": (lambda i, o: P.BatchNorm1d(i), (5, 6)),
    "batch norm of maps": (lambda i, o: P.BatchNorm2d(i, affine=False), (5, 6, 4, 4)),
    "layer norm": (lambda i, o: P.LayerNorm(i), (5, 6)),
    "group norm": (lambda i, o: P.GroupNorm(1, i), (5, 6, 4, 4)),
    "rms norm": (lambda i, o: P.RMSNorm(i), (5, 6)),
    "instance norm": (lambda i, o: P.InstanceNorm2d(i, affine=True), (5, 6, 4, 4)),
    "instance norm of sequences": (lambda i, o: P.InstanceNorm1d(i), (5, 6, 4)),
    "conv of sequences": (lambda i, o: P.Conv1d(i, o, 3, 2, 1), (5, 6, 7)),
    "conv of volumes": (lambda i, o: P.Conv3d(i, o, 3, padding="same"), (2, 6, 4, 4, 4)),
    "groups": (lambda i, o: P.Conv2d(2 * i, 3 * i, 3, groups=6), (5, 12, 5, 5)),
    "kernel": (
        lambda i, o: P.Conv2d(i, o, Value("kernel", [5, 1, 3]), 2, padding=4, dilation=2),
        (5, 6, 9, 9),
    ),
    "depthwise kernel": (
        lambda i, o: P.Conv1d(i, i, Value("kernel", [2, 4]), padding=1, groups=i, bias=False),
        (5, 6, 9),
    ),
}


def randomise(net: nn.Module) -> None:
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_()


@pytest.mark.parametrize("name", LAYERS)
def test_the_derived_layer_is_a_plain_one_that_does_the_same(name: str) -> None:
    make, shape = LAYERS[name]
    net = Supernet(Between(make)).double()
    randomise(net)
    x = torch.randn(*shape, dtype=torch.float64)
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=True)
        assert type(network.layer).__module__.startswith("torch.nn.")
        torch.testing.assert_close(net(x, architecture), network(x))


WITHOUT_WEIGHTS = {"batch norm of maps", "instance norm of sequences"}
CHOSEN_KERNELS = {"kernel", "depthwise kernel"}  # whose blocks are no slices; see `test_kernel.py`


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - WITHOUT_WEIGHTS - CHOSEN_KERNELS))
def test_gradients_are_those_of_the_plain_layer_and_of_what_is_used_alone(name: str) -> None:
    make, shape = LAYERS[name]
    net = Supernet(Between(make)).double()
    randomise(net)
    x = torch.randn(*shape, dtype=torch.float64)
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=True)
        net.zero_grad(set_to_none=True)
        for _, output in ((net, net(x, architecture)), (network, network(x))):
            (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
        used = [w for w in net.parameters() if w.grad is not None]
        assert sum(w.numel() for w in used) == sum(w.numel() for w in network.parameters())
        for sliced, plain in pairs(net.module.layer, network.layer):
            joined = sliced_gradient(sliced, plain.shape)
            torch.testing.assert_close(joined, plain.grad)


def pairs(layer: Elastic, plain: nn.Module) -> list[tuple[ElasticWeight, nn.Parameter]]:
    return [(weight, plain.get_parameter(name)) for name, weight in layer.weights()]


def sliced_gradient(weight: ElasticWeight, shape: torch.Size) -> Tensor:
    """The gradient of all blocks in one tensor, cut to a shape."""
    whole = torch.zeros_like(weight.whole())
    for block, ranges in weight.blocks():
        if block.grad is not None:
            whole[tuple(slice(*r) for r in ranges)] = block.grad
    return whole[tuple(slice(n) for n in shape)]


def test_it_is_the_leading_slice_of_the_widest_weight() -> None:
    net = Supernet(Between(lambda i, o: P.Linear(i, o)))
    layer = net.module.layer
    whole, bias, x = torch.empty(8, 6), torch.empty(8), torch.randn(5, 6)
    for block, ranges in layer.weight.blocks():
        whole[tuple(slice(*r) for r in ranges)] = block.detach()
    for block, ((start, end),) in layer.bias.blocks():
        bias[start:end] = block.detach()
    for architecture in every(net):
        i, o = int(architecture["in"]), int(architecture["out"])
        expected = F.linear(x[:, :i], whole[:o, :i], bias[:o])
        torch.testing.assert_close(net(x, architecture), expected)


def test_a_multiple_of_a_width() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = Value("width", [2, 3])
            self.conv, self.last = P.Conv2d(1, width, 1), P.Linear(4 * width, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.conv(x).flatten(1))

    net = Supernet(Flat())
    x = torch.randn(3, 1, 2, 2)
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=True)
        assert network.last.in_features == 4 * int(architecture["width"])
        torch.testing.assert_close(net(x, architecture), network(x))


def test_a_multiple_of_a_multiple() -> None:
    layer = P.Linear(2 * (3 * Value("width", [2, 5])), 1)
    net = Supernet(layer)
    assert net(torch.ones(1, 30), net.space.architecture({"width": 5})).shape == (1, 1)


def test_a_stride_may_be_chosen() -> None:
    net = Supernet(P.Conv2d(1, 2, 3, stride=Value("stride", [1, 2]), padding=1))
    x = torch.randn(1, 1, 8, 8)
    for stride, size in ((1, 8), (2, 4)):
        architecture = net.space.architecture({"stride": stride})
        assert net(x, architecture).shape == (1, 2, size, size)
        assert net.derive(architecture).stride == (stride, stride)


def test_batch_norm_keeps_nothing_of_a_batch() -> None:
    net = Supernet(P.BatchNorm1d(Value("width", [2, 3])))
    architecture = net.space.architecture({"width": 3})
    x = torch.randn(10, 3)
    before = net.state_dict()
    first = net(x, architecture)
    net(x + 5, architecture)
    assert before.keys() == net.state_dict().keys() == {"module.weight", "module.bias"}
    assert torch.equal(net.eval()(x, architecture), first)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: P.Linear(2, Value("w", [8, 0])), r"Value 'w': found 0 as a width"),
        (lambda: P.Linear(2, Value("w", ["a"])), "found 'a' as a width"),
        (lambda: P.Linear(2, Value("w", [True])), "found True as a width"),
        (
            lambda: P.Conv2d(Value("w", [2, 4]), 4, 3, groups=2),
            "found 2 groups for w and 4",
        ),
        (lambda: P.Linear(3.0, 4), r"width: found 3\.0, expected a whole number above 0"),
        (lambda: P.Linear(3, 0), "width: found 0"),
        (lambda: P.LayerNorm((4, 4)), r"width: found \(4, 4\)"),
        (lambda: P.Conv2d(1, 2, 3, stride=Value("s", ["a"])), "found 'a' as a width"),
        (lambda: P.GroupNorm(4, Value("w", [8, 6])), "found 4 groups for 6 channels"),
    ],
)
def test_widths_that_cannot_be_are_named(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_outputs_for_sequences_in_any_order_are_those_of_the_derived_network(
    mode: Callable[[], AbstractContextManager[object]],
) -> None:
    # PyTorch multiplies a transposed sequence otherwise where a weight asks for gradients.
    net = Supernet(P.Linear(Value("inputs", [5, 25]), Value("outputs", [1, 5, 10])))
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=True)
        for length in range(2, 40, 3):
            x = torch.randn(length, 17, int(architecture["inputs"])).transpose(0, 1)
            with mode():
                assert torch.equal(net(x, architecture), network(x))
