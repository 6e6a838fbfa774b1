"""The derived network is a plain one, which knows nothing of the search."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, InputChoice, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.elastic.base import Elastic
from pdas.nn.sliced import SlicedWeight
from pdas.space import Architecture
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import Block, Everything

X = torch.randn(4, 3, 16, 16)


@pytest.fixture(scope="module")
def net() -> Supernet:
    return Supernet(Everything())


def some(net: Supernet, count: int = 12) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [net.space.uniform(rng) for _ in range(count)]


def test_nothing_of_the_search_is_left_and_nothing_is_shared(net: Supernet) -> None:
    own = {weight.data_ptr() for weight in net.parameters()}
    for architecture in some(net):
        for keep in (True, False):
            network = net.derive(architecture, keep_weights=keep)
            kinds = (ChoicePoint, Elastic, SlicedWeight, Supernet)
            assert not [m for m in network.modules() if isinstance(m, kinds)]
            assert not own & {weight.data_ptr() for weight in network.parameters()}


def test_it_has_what_was_chosen(net: Supernet) -> None:
    labels = some(net)[0].to_dict() | {"width": 6, "stride": 2, "depth": 3, "activation": "tanh"}
    labels |= {f"block{i}/op": "separable" for i in range(3)}
    labels |= {f"block{i}/extra": i == 1 for i in range(3)}
    network = net.derive(net.space.architecture(labels))
    assert type(network) is Everything
    assert (network.stem.out_channels, network.stem.stride) == (6, (2, 2))
    assert network.activation.value == "tanh"
    assert [type(block) for block in network.body] == [Block] * 3
    assert [block.op[0].groups for block in network.body] == [6] * 3
    extra = [type(block.extra) for block in network.body]
    assert extra == [nn.Identity, nn.Conv2d, nn.Identity]
    assert network.head.in_features == 96


def test_with_the_weights_it_computes_what_the_supernet_does(net: Supernet) -> None:
    for architecture in some(net):
        network = net.derive(architecture, keep_weights=True)
        torch.testing.assert_close(network(X), net(X, architecture))


def test_fresh_weights_come_from_the_generator_of_torch(net: Supernet) -> None:
    architecture = some(net)[0]

    def weights(seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        return list(net.derive(architecture).parameters())

    assert all(map(torch.equal, weights(0), weights(0)))
    assert not all(map(torch.equal, weights(0), weights(1)))


def test_fresh_weights_are_those_of_new_modules() -> None:
    """Trained weights do not come through, nor do statistics."""

    def module() -> nn.Module:
        choice = Choice("op", {"a": nn.Linear(3, 3), "b": nn.Identity()})
        return nn.Sequential(choice, nn.BatchNorm1d(3), nn.GRU(3, 5))

    net = Supernet(module())
    with torch.no_grad():
        for value in [*net.parameters(), *net.buffers()]:
            value.fill_(7)
    torch.manual_seed(0)
    network = net.derive(net.space.architecture({"op": "a"}))
    torch.manual_seed(0)
    expected = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.GRU(3, 5)).state_dict()
    assert network.state_dict().keys() == expected.keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_a_module_has_the_last_word_on_its_weights() -> None:
    class Zero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.op = Choice("op", {"a": nn.Linear(2, 2)})
            self.scale = nn.ParameterList([torch.ones(2)])
            self.reset_parameters()

        def reset_parameters(self) -> None:
            self.op.candidate(0).weight.data.zero_() if isinstance(
                self.op, ChoicePoint
            ) else self.op.weight.data.zero_()
            self.scale[0].data.fill_(0.5)

    net = Supernet(Zero())
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(7)
    network = net.derive(net.space.architecture([0]))
    assert not network.op.weight.any()
    assert network.scale[0].tolist() == [0.5, 0.5]
    assert not (network.op.bias == 7).any()


def test_weights_that_cannot_be_drawn_are_named() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    net = Supernet(nn.ModuleDict({"op": Choice("op", {"a": nn.ReLU()}), "own": Own()}))
    architecture = net.space.architecture([0])
    with pytest.raises(NetworkError, match=r"no reset_parameters\(\) that draws .* 'own\.scale'"):
        net.derive(architecture)
    net.derive(architecture, keep_weights=True)
    net.module["own"].scale.requires_grad_(False)  # frozen weights were not trained either
    assert net.derive(architecture)["own"].scale.tolist() == [1.0]


def test_parametrised_weights_are_not_silently_kept() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    net = Supernet(Choice("op", {"a": layer}))
    network = net.derive(net.space.architecture([0]))
    assert not torch.equal(network.weight, layer.weight)


def test_frozen_weights_are_kept() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sliced = Linear(3, Value("width", [2, 4]))
            self.backbone = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, affine=False))
            self.partly = nn.Linear(3, 3)
            for weight in (*self.sliced.parameters(), *self.backbone.parameters()):
                weight.requires_grad_(False)
            self.partly.weight.requires_grad_(False)

        def reset_parameters(self) -> None:
            nn.init.zeros_(self.backbone[0].weight)

    net = Supernet(Frozen())
    with torch.no_grad():
        for value in [*net.parameters(), *net.buffers()]:
            value.fill_(7)
    for keep in (True, False):
        network = net.derive(net.space.architecture({"width": 4}), keep_weights=keep)
        assert (network.sliced.weight == 7).all() and not network.sliced.weight.requires_grad
        assert (network.backbone[0].weight == 7).all()
        assert (network.backbone[1].running_mean == 7).all()
        assert (network.partly.weight == 7).all() and network.partly.bias.requires_grad
        assert (network.partly.bias == 7).all() == keep


def test_what_a_plain_module_would_lose_is_refused() -> None:
    class Mine(Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    net = Supernet(nn.Sequential(Mine(2, Value("width", [2, 3]))))
    with pytest.raises(NetworkError, match="derive: Mine at 0 has a class of its own, expected"):
        net.derive(net.space.architecture([0]))
    choice = Choice("op", {"a": nn.ReLU()})
    choice.register_forward_hook(lambda module, inputs, output: output + 1)
    net = Supernet(choice)
    with pytest.raises(NetworkError, match=r"derive: Choice at \(the whole\) has hooks"):
        net.derive(net.space.architecture([0]))


def test_outputs_that_are_kept_in_attributes_are_named() -> None:
    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.op = Linear(2, Value("width", [2]))

        def forward(self, x: Tensor) -> Tensor:
            self.last = self.op(x)
            return self.last

    net = Supernet(Keeps())
    architecture = net.space.architecture([0])
    net(torch.ones(1, 2), architecture)
    with pytest.raises(NetworkError, match=r"derive: Keeps cannot be copied .*; keep no out"):
        net.derive(architecture)


def test_a_shared_module_stays_shared() -> None:
    layer = nn.Linear(2, 2)
    first, second = (Choice(name, {"a": layer, "b": nn.ReLU()}) for name in ("first", "second"))
    net = Supernet(nn.Sequential(first, second, layer))
    network = net.derive(net.space.architecture([0, 0]))
    assert network[0] is network[1] is network[2] is not layer


def test_mode_precision_and_frozen_weights_stay() -> None:
    net = Supernet(Everything()).double().eval()
    architecture = some(net)[0]
    network = net.derive(architecture)
    assert not any(module.training for module in network.modules())
    tensors = [*network.parameters(), *network.buffers()]
    assert {t.dtype for t in tensors if t.is_floating_point()} == {torch.float64}


class Scriptable(nn.Module):
    """A choice of every kind in a forward that TorchScript can read."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [4, 8])
        self.first = Linear(3, width)
        self.body = Repeat("depth", [OptionalLayer("extra", Linear(width, width))], [0, 1])
        self.act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.one = InputChoice("one", 2)
        self.some = InputChoice("some", 3, choose=2)
        self.scale = Value("scale", [0.5, 2.0])
        self.last = Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        a = self.first(x)
        b = self.act(self.body(a))
        c = self.one([a, b])
        return self.scale.value * self.last(torch.stack(self.some([a, b, c])).sum(0))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_it_pickles_scripts_exports_and_compiles() -> None:
    net = Supernet(Scriptable())
    x = torch.randn(5, 3)
    for architecture in some(net, 6):
        network = net.derive(architecture).eval()
        expected = network(x)
        torch.save(network, file := io.BytesIO())
        file.seek(0)
        program = torch.export.export(network, (x,))
        others: list[Any] = [
            pickle.loads(pickle.dumps(network)),
            torch.load(file, weights_only=False),
            torch.jit.script(network),
            torch.jit.trace(network, x),
            program.module(),
            torch.compile(network, backend="eager"),
        ]
        for other in others:
            torch.testing.assert_close(other(x), expected)


def test_a_state_dict_goes_into_another_derivation(net: Supernet) -> None:
    architecture = some(net)[0]
    first, second = net.derive(architecture).eval(), net.derive(architecture).eval()
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(X), second(X))
