"""A layer of any arguments and results that is used or passed over."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, Linear, OptionalLayer, Supernet, Value, optional
from pdas.support.errors import NetworkError, SettingError
from tests.nn.choice_helpers import every

X = torch.tensor([1.0, -2.0])


class Pair(NamedTuple):
    out: Tensor
    state: Any


class Layer(nn.Module):
    """Of several inputs; returns what `form` makes of their sum and a second value."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form

    def forward(self, x, mask=None, *, scale=1.0):  # type: ignore[no-untyped-def]
        return self.form(scale * (x + 1 if mask is None else x + mask), x)


FORMS = {
    "tensor": (lambda y, z: y, lambda y: y),
    "tuple": (lambda y, z: (y, z), lambda y: (y, None)),
    "one": (lambda y, z: (y,), lambda y: (y,)),
    "list": (lambda y, z: [y, z, z], lambda y: [y, None, None]),
    "named": (Pair, lambda y: Pair(y, None)),
}


def equal(found: Any, expected: Any) -> bool:
    if isinstance(expected, tuple | list):
        return type(found) is type(expected) and all(map(equal, found, expected))
    return torch.equal(found, expected) if isinstance(expected, Tensor) else found is expected


@pytest.mark.parametrize(("form", "expected"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("otherwise", ["input", "zeros"])
@pytest.mark.parametrize("first", [True, False])
def test_what_stands_for_it_has_its_form(
    form: Any, expected: Any, otherwise: Any, first: bool
) -> None:
    """Whichever runs first, with inputs by place and by name."""
    net = Supernet(OptionalLayer("extra", Layer(form), otherwise))
    used, skipped = net.space.architectures([[0], [1]])
    instead = X if otherwise == "input" else torch.zeros(2)
    if first:
        assert equal(net(X, used), form(X + 1, X))
    for args, named in (((X, X), {"scale": 2.0}), ((), {"mask": X, "x": X})):
        assert equal(net(*args, skipped, **named), expected(instead))
        assert equal(net.derive(skipped)(*args, **named), expected(instead))
    assert equal(net(X, X, used, scale=2.0), form(4 * X, X))
    assert equal(net.derive(used)(X, X, scale=2.0), form(4 * X, X))


def test_the_first_run_of_a_layer_that_is_passed_over_leaves_no_trace() -> None:
    norm = nn.BatchNorm1d(2)
    net = Supernet(OptionalLayer("extra", nn.Sequential(norm, nn.Dropout(0.5))))
    state = torch.get_rng_state()
    net(torch.ones(3, 2), net.space.architecture([1]))
    assert torch.equal(torch.get_rng_state(), state)
    assert norm.training and not norm.running_mean.any() and norm.num_batches_tracked == 0


def test_another_module_may_stand_for_it() -> None:
    strided = nn.Conv2d(2, 4, 3, stride=2, padding=1)
    choice = OptionalLayer("extra", strided, otherwise=nn.Conv2d(2, 4, 1, stride=2))
    net = Supernet(choice)
    x = torch.randn(1, 2, 6, 6)
    used, skipped = net.space.architectures([[0], [1]])
    assert torch.equal(net(x, used), strided(x))
    for architecture in (used, skipped):
        network = net.derive(architecture, keep_weights=True)
        assert type(network) is nn.Conv2d
        assert torch.equal(network(x), net(x, architecture))
    assert not torch.equal(net(x, used), net(x, skipped))
    assert [net.cost("parameters")(a) for a in (used, skipped)] == [76, 12]
    assert [net.cost("multiply_adds", x)(a) for a in (used, skipped)] == [648, 72]


class Attends(nn.Module):
    """`x + attention(x)`."""

    def __init__(self) -> None:
        super().__init__()
        attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.attention = OptionalLayer("attention", attention, "zeros")

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.attention(x, x, x, need_weights=False)
        out: Tensor = x + y
        return out


def test_attention_is_passed_over_in_a_sum() -> None:
    net = Supernet(Attends())
    x = torch.randn(2, 3, 4)
    net.check(x)
    skipped = net.space.architecture({"attention": False})
    assert torch.equal(net(x, skipped), x)
    assert torch.equal(pickle.loads(pickle.dumps(net.derive(skipped)))(x), x)
    assert net.cost("parameters")(skipped) == 0


def test_what_cannot_stand_for_it_is_named() -> None:
    net = Supernet(OptionalLayer("extra", Layer(lambda y, z: {"y": y})))
    used, skipped = net.space.architectures([[0], [1]])
    assert net(X, used).keys() == {"y"}
    message = r"OptionalLayer 'extra' at .*that its layer returns a dict, .*otherwise=module"
    with pytest.raises(NetworkError, match=message):
        net(X, skipped)
    with pytest.raises(NetworkError, match=r"found it called without 'x', expected that input"):
        net(skipped, mask=X)
    with pytest.raises(SettingError, match=r"otherwise: found 'nothing'"):
        OptionalLayer("extra", nn.ReLU(), otherwise="nothing")  # type: ignore[arg-type]


def test_a_layer_of_which_nothing_is_known_has_to_run_before_derive() -> None:
    net = Supernet(Attends())
    skipped = net.space.architecture([1])
    with pytest.raises(NetworkError, match=r"found that it has not run yet, .*net\.check\(x\)"):
        net.derive(skipped)
    x = torch.randn(2, 3, 4)
    net.check(x)
    assert torch.equal(net.derive(skipped)(x), x)

    class Said(nn.Module):
        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            return x

    for layer in (nn.Linear(2, 2), Said(), Choice("op", {"a": nn.ReLU()})):
        net = Supernet(OptionalLayer("extra", layer))
        skipped = net.space.architecture([1, *[0] * (len(net.space) - 1)])
        assert torch.equal(net.derive(skipped)(X), X)


class Settings(nn.Module):
    """A layer with attributes of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.kind, self.sizes, self.function = "full", (1, 2), torch.relu
        self.weight = nn.Parameter(torch.ones(2))
        self.inside = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x

    def method(self) -> str:
        return self.kind


def test_its_settings_can_be_read_where_it_is_passed_over() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer: Any = OptionalLayer("extra", Settings())

        def forward(self, x: Tensor) -> Any:
            layer = self.layer
            return layer(x), layer.kind, layer.sizes, layer.inside.in_features, layer.weight

    net = Supernet(Reads())
    used, skipped = net.space.architectures([[0], [1]])
    weight = net.module.layer.weight
    assert isinstance(weight, nn.Parameter) and net.module.layer.method() == "full"
    assert net(X, used)[1:] == ("full", (1, 2), 2, weight)
    for module, arguments in ((net, (X, skipped)), (net.derive(skipped), (X,))):
        assert module(*arguments)[1:] == ("full", (1, 2), 2, None)
    with net._tree.selected(skipped):
        for name in ("method", "function", "nothing"):
            assert not hasattr(net.module.layer, name)
        with pytest.raises(AttributeError, match=r"OptionalLayer 'extra' at layer: found its l"):
            net.module.layer.method()


def test_a_choice_has_the_attributes_of_the_selected_candidate() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = Value("width", [2, 3])
            ops = {"plain": nn.Linear(2, 3), "wide": Linear(2, width), "none": nn.Identity()}
            self.op: Any = Choice("op", ops)

        def forward(self, x: Tensor) -> Any:
            return self.op.weight.shape if hasattr(self.op, "weight") else None

    net = Supernet(Reads())
    found = [net(X, net.space.architecture([i, 0])) for i in range(3)]
    assert found == [(3, 2), (2, 2), None]
    choice = net.module.op
    assert not hasattr(choice, "weight")
    with pytest.raises(AttributeError, match=r"Choice 'op' at op: found no candidate selected, .*"):
        choice.weight  # noqa: B018
    with net._tree.selected(net.space.architecture([2, 0])), pytest.raises(AttributeError):
        choice.weight  # noqa: B018


def test_copies_and_files_do_not_ask_for_attributes_for_ever() -> None:
    choice = OptionalLayer("extra", Choice("op", {"a": Settings(), "b": nn.Linear(2, 2)}))
    torch.save(choice, file := io.BytesIO())
    file.seek(0)
    copies = [copy.deepcopy(choice), pickle.loads(pickle.dumps(choice))]
    for other in [*copies, torch.load(file, weights_only=False)]:
        net = Supernet(other)
        assert torch.equal(net(X, net.space.architecture([0, 0])), X)
        assert [*other.state_dict()] == [*choice.state_dict()]


@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList, list])
def test_each_of_a_stack_may_be_optional(kind: Any) -> None:
    layers = [nn.Linear(2, 2) for _ in range(3)]
    stack = kind(layers) if kind is not nn.Sequential else nn.Sequential(*layers)
    expected = nn.ModuleList(layers).state_dict()
    choices = optional(stack, name="block")
    assert type(choices) is (nn.ModuleList if kind is list else kind)
    assert choices.state_dict().keys() == expected.keys()
    choices.load_state_dict(expected)
    net = Supernet(nn.Sequential(*choices))
    assert list(net.space) == ["block0", "block1", "block2"]
    assert torch.equal(net(X, net.space.architecture([1, 0, 1])), layers[1](X))


def test_names_of_a_stack_stay() -> None:
    named = nn.Sequential()
    named.add_module("first", nn.Linear(2, 2))
    assert list(optional(named).state_dict()) == ["first.weight", "first.bias"]


class DrawsItself(nn.Module):
    """Draws the weights of its layers, as models of PyTorch Geometric do."""

    def __init__(self) -> None:
        super().__init__()
        self.first = OptionalLayer("first", nn.Linear(4, 4))
        self.second = OptionalLayer("second", nn.Bilinear(4, 4, 4))

    def reset_parameters(self) -> None:
        self.first.reset_parameters()
        self.second.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x), x)


def test_a_module_may_draw_the_weights_of_its_layers() -> None:
    net, x = Supernet(DrawsItself()), torch.randn(2, 4)
    net.check(x)
    for architecture in every(net):
        network = pickle.loads(pickle.dumps(net.derive(architecture)))
        assert network(x).isfinite().all()
