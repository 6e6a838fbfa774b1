"""Fresh weights: of parametrized layers, and of models that start them in their own way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import pdas.nn as P
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.support.errors import NetworkError, PdasWarning, SettingError

Wrap = Callable[[nn.Module], nn.Module]


def old(name: str) -> Wrap:
    """An older parametrization, of which PyTorch warns."""

    def wrap(layer: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            wrapped: nn.Module = getattr(nn.utils, name)(layer)
            return wrapped

    return wrap


WRAPS: dict[str, Wrap] = {
    "weight norm": parametrizations.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "orthogonal, not to be inverted": lambda layer: parametrizations.orthogonal(
        layer, orthogonal_map="cayley", use_trivialization=False
    ),
    "old weight norm": old("weight_norm"),
    "old spectral norm": old("spectral_norm"),
}
X = torch.randn(6, 4)


def supernet(wrap: Wrap) -> Supernet:
    return Supernet(
        nn.Sequential(
            wrap(nn.Linear(4, 5)),
            Choice("op", {"wrapped": wrap(nn.Linear(5, 3)), "plain": nn.Linear(5, 3)}),
            Linear(3, Value("width", [2, 4])),
            nn.Sequential(),
        )
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", WRAPS)
def test_parametrized_layers_are_drawn_as_plain_ones(name: str, training: bool) -> None:
    net = supernet(WRAPS[name]).train(training)
    net(X, net.largest).square().sum().backward()  # which leaves computed weights in attributes
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(1000)
    with warnings.catch_warnings():
        warnings.filterwarnings("error")
        warnings.filterwarnings("ignore", "Value 'width'", PdasWarning)
        net.check(X)
    network = net.derive(net.largest)
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())
    assert all(module.training is training for module in network.modules())
    for _ in range(3):
        y = network(X)
    assert torch.isfinite(y).all()
    plain = nn.Linear(4, 5)
    spread = network[0].weight.std() / plain.weight.std()
    if "spectral" in name:  # of largest singular value 1, whatever was drawn
        assert torch.linalg.matrix_norm(network[0].weight, 2).item() == pytest.approx(1, abs=0.05)
    elif "orthogonal" in name:
        torch.testing.assert_close(network[0].weight.T @ network[0].weight, torch.eye(4))
    else:
        assert 0.4 < spread < 2.5
    other = net.derive(net.largest)
    assert not torch.equal(network[0].weight, other[0].weight)


@pytest.mark.parametrize("name", WRAPS)
def test_weights_that_are_kept_compute_the_same(name: str) -> None:
    net = supernet(WRAPS[name]).eval()
    for architecture in [net.largest, net.largest.replaced(0, 1)]:
        expected = net(X, architecture)
        assert torch.equal(net.derive(architecture, keep_weights=True)(X), expected)


def test_fresh_weights_do_not_depend_on_trained_ones() -> None:
    net = supernet(parametrizations.spectral_norm)
    torch.manual_seed(0)
    first = net.derive(net.largest).state_dict()
    for weight in [*net.parameters(), *net.buffers()]:
        weight.data.mul_(3)
    torch.manual_seed(0)
    second = net.derive(net.largest).state_dict()
    assert all(torch.equal(t, second[name]) for name, t in first.items())


def vit() -> nn.Module:
    return torchvision.models.VisionTransformer(16, 8, 2, 2, 16, 32, num_classes=3)


def searched_vit() -> Supernet:
    model = vit()
    model.encoder.layers = P.Repeat("depth", model.encoder.layers)
    return Supernet(model)


def test_a_weight_that_nothing_draws_is_a_warning_of_check_and_an_error_of_derive() -> None:
    net, x = searched_vit(), torch.randn(1, 3, 16, 16)
    with pytest.warns(PdasWarning, match="check: nothing draws 'class_token' and 1 more afresh"):
        net.check(x)
    with pytest.raises(NetworkError, match=r"draws the weight 'class_token'.*init=function"):
        net.derive(net.largest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.check(x, keep_weights=True)


def test_a_function_draws_what_modules_do_not() -> None:
    def init(network: nn.Module) -> None:
        nn.init.zeros_(network.class_token)
        nn.init.normal_(network.encoder.pos_embedding, std=0.02)

    network = searched_vit().derive(searched_vit().largest, init=init)
    assert (network.class_token == 0).all()
    assert 0.01 < network.encoder.pos_embedding.std() < 0.03


@pytest.mark.parametrize("source", [{"init": print}, {"like": vit}])
def test_weights_are_kept_or_drawn_but_not_both(source: dict[str, Any]) -> None:
    net = searched_vit()
    with pytest.raises(SettingError, match=r"derive: keep_weights: found True, and (init|like)"):
        net.derive(net.largest, keep_weights=True, **source)


def test_a_model_draws_its_own_and_wider_ones_are_cut() -> None:
    plain = vit()
    with torch.no_grad():
        for weight in plain.parameters():
            weight.uniform_(5, 6)
    net = searched_vit()
    net.module.heads[0] = nn.Linear(16, 2)  # where the plain one has 3
    network = net.derive(net.space.architecture({"depth": 1}), like=lambda: plain)
    assert torch.equal(network.class_token, plain.class_token)
    assert torch.equal(
        network.encoder.layers[0].mlp[0].weight, plain.encoder.layers[0].mlp[0].weight
    )
    assert torch.equal(network.heads[0].weight, plain.heads.head.weight[:2])


def test_buffers_of_frozen_norms_stay_though_a_module_around_resets_them() -> None:
    class Around(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.norm = Linear(4, Value("width", [2, 4])), nn.BatchNorm1d(4)
            self.norm.requires_grad_(False)

        def reset_parameters(self) -> None:
            self.norm.reset_parameters()

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.norm(x))

    module = Around()
    module.norm.running_mean.fill_(7)
    network = Supernet(module).derive(Supernet(module).largest)
    assert (network.norm.running_mean == 7).all()


@pytest.mark.parametrize("lazy", [lambda: nn.LazyLinear(3), nn.LazyBatchNorm1d])
def test_lazy_modules_must_have_run(lazy: Callable[[], nn.Module]) -> None:
    op = Choice("op", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    net = Supernet(nn.Sequential(lazy(), op))
    line = r"found Lazy\w+ at 0, whose weights are not made yet, .*net\(x, net.largest\)"
    for use in (
        lambda: net.cost("parameters"),
        lambda: net.derive(net.largest),
        lambda: net.derive(net.largest, keep_weights=True),
    ):
        with pytest.raises(NetworkError, match=line):
            use()
    net.check(torch.randn(2, 4))
    weights = sum(w.numel() for w in net.derive(net.largest).parameters())
    assert net.cost("parameters")(net.largest) == weights


def test_a_norm_without_weights_is_as_frozen_as_what_is_before_it() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 1).requires_grad_(False),
        nn.BatchNorm2d(4, affine=False),
        nn.Conv2d(4, 4, 1),
        nn.BatchNorm2d(4, affine=False),
        Choice("op", {"relu": nn.ReLU(), "tanh": nn.Tanh()}),
    )
    for norm in (module[1], module[3]):
        norm.running_mean.fill_(7)
    network = Supernet(module).derive(Supernet(module).largest)
    assert (network[1].running_mean == 7).all()
    assert (network[3].running_mean == 0).all()


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def test_check_names_weights_of_every_candidate() -> None:
    net = Supernet(Choice("op", {"a": nn.Linear(3, 3), "b": Own(), "c": nn.ReLU()}))
    with pytest.warns(PdasWarning, match="check: nothing draws 'scale' afresh"):
        net.check(torch.randn(2, 3))


def test_a_model_with_other_names_is_refused() -> None:
    net = searched_vit()
    line = r"derive: like: found a Sequential with '0\.class_token' first.* as 'class_token'"
    with pytest.raises(NetworkError, match=line):
        net.derive(net.largest, like=lambda: nn.Sequential(vit()))
