"""Layers made of trained ones: weights, settings and keys are those of the plain layer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every


def used(norm: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """A norm with running statistics and weights that are not those of the beginning."""
    for _ in range(3):
        norm(3 * torch.randn(*shape) + 1)
    for weight in norm.parameters():
        nn.init.normal_(weight)
    return norm.eval()


W = Value("width", [2, 4, 8])
CASES: dict[str, tuple[nn.Module, dict[str, object], tuple[int, ...]]] = {
    "linear": (nn.Linear(8, 5), {"in_features": W}, (3, 8)),
    "linear without bias": (nn.Linear(5, 8, bias=False), {"out_features": W}, (3, 5)),
    "conv": (
        nn.Conv2d(3, 8, 3, (2, 1), "valid", 2, padding_mode="reflect"),
        {"out_channels": W},
        (2, 3, 9, 9),
    ),
    "conv that pads": (
        nn.Conv2d(8, 4, 3, padding=2, padding_mode="circular", bias=False),
        {"in_channels": W},
        (2, 8, 5, 5),
    ),
    "conv of the same size": (nn.Conv2d(8, 4, 3, padding="same"), {"in_channels": W}, (2, 8, 5, 5)),
    "conv of groups": (nn.Conv2d(8, 4, 3, groups=2), {}, (2, 8, 5, 5)),
    "depthwise": (
        nn.Conv2d(8, 8, 3, groups=8),
        {"in_channels": W, "out_channels": W, "groups": W},
        (2, 8, 5, 5),
    ),
    "conv of sequences": (nn.Conv1d(8, 4, 3, 2), {"in_channels": W}, (2, 8, 9)),
    "conv of volumes": (nn.Conv3d(1, 8, 3), {"out_channels": W}, (2, 1, 4, 4, 4)),
    "transposed": (
        nn.ConvTranspose2d(8, 4, 3, 2, 1, 1, dilation=2),
        {"in_channels": W},
        (2, 8, 4, 4),
    ),
    "batch norm": (used(nn.BatchNorm2d(8, 1e-3), (4, 8, 5, 5)), {"num_features": W}, (2, 8, 5, 5)),
    "batch norm of features": (
        used(nn.BatchNorm1d(8, momentum=None), (4, 8)),
        {"num_features": W},
        (2, 8),
    ),
    "fresh batch norm": (nn.BatchNorm2d(8).eval(), {"num_features": W}, (2, 8, 5, 5)),
    "batch norm without statistics": (
        nn.BatchNorm1d(8, track_running_stats=False),
        {"num_features": W},
        (6, 8),
    ),
    "kernel": (nn.Conv2d(3, 8, 5, padding=2), {"out_channels": W}, (2, 3, 6, 6)),
    "groups": (
        nn.Conv2d(16, 8, 3, groups=8),
        {"in_channels": 2 * W, "out_channels": W},
        (2, 16, 5, 5),
    ),
    "instance norm": (
        used(nn.InstanceNorm2d(8, affine=True, track_running_stats=True), (4, 8, 5, 5)),
        {"num_features": W},
        (2, 8, 5, 5),
    ),
    "rms norm": (nn.RMSNorm(8, 1e-3), {"normalized_shape": W}, (3, 8)),
    "layer norm": (nn.LayerNorm(8, 1e-3, bias=False), {"normalized_shape": W}, (3, 8)),
    "group norm": (nn.GroupNorm(2, 8, 1e-3), {"num_channels": W}, (2, 8, 5, 5)),
}


def elastic(name: str) -> tuple[nn.Module, P.Elastic, Tensor]:
    plain, chosen, shape = CASES[name]
    layer = getattr(P, type(plain).__name__).of(plain, **chosen)
    return plain, layer, torch.randn(*shape)


def widest(net: Supernet) -> object:
    return net.space.architecture([size - 1 for size in net.space.sizes])


@pytest.mark.parametrize("name", [name for name in CASES if name != "conv of groups"])
def test_at_full_width_it_is_the_plain_layer_to_the_last_bit(name: str) -> None:
    plain, layer, x = elastic(name)
    net = Supernet(layer)
    assert isinstance(layer, type(plain))
    assert layer.training == plain.training
    expected = plain(x)
    assert torch.equal(net(x, widest(net)), expected)
    derived = net.derive(widest(net), keep_weights=True)
    assert type(derived) is type(plain)
    assert repr(derived) == repr(plain)
    assert torch.equal(derived(x), expected)
    assert derived.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("name", [name for name in CASES if name != "conv of groups"])
def test_narrower_ones_are_their_derived_networks(name: str) -> None:
    _, layer, x = elastic(name)
    net = Supernet(layer.eval())
    outputs = {"out_channels", "out_features"}
    for architecture in every(net):
        cut = 1.0 if CASES[name][1].keys() <= outputs else int(architecture["width"]) / 8
        narrow = x[:, : int(x.shape[1] * cut)]
        assert torch.equal(
            net(narrow, architecture), net.derive(architecture, keep_weights=True).eval()(narrow)
        )


@pytest.mark.parametrize("name", CASES)
def test_a_state_dict_has_the_keys_and_tensors_of_the_plain_layer(name: str) -> None:
    plain, layer, _ = elastic(name)
    for key, tensor in layer.state_dict().items():
        assert torch.equal(tensor, plain.state_dict()[key])
    assert layer.state_dict().keys() == plain.state_dict().keys()
    other = copy.deepcopy(plain)
    for tensor in other.state_dict().values():
        tensor.copy_(torch.randint_like(tensor, 1, 9))
    layer.load_state_dict(other.state_dict())
    assert all(torch.equal(t, other.state_dict()[k]) for k, t in layer.state_dict().items())
    again = pickle.loads(pickle.dumps(layer))
    assert all(torch.equal(t, again.state_dict()[k]) for k, t in layer.state_dict().items())


def test_a_fresh_norm_takes_the_statistics_of_a_plain_one() -> None:
    plain = used(nn.BatchNorm2d(8), (4, 8, 5, 5))
    net = Supernet(nn.Sequential(P.BatchNorm2d(W)))
    net.module.load_state_dict(nn.Sequential(plain).state_dict())
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(net.eval()(x, widest(net)), plain(x))


@pytest.mark.parametrize("norm", [P.BatchNorm2d, P.InstanceNorm2d])
def test_a_norm_without_statistics_loads_a_dictionary_without_versions(
    norm: type[P.BatchNorm2d] | type[P.InstanceNorm2d],
) -> None:
    saved, fresh = norm(W, affine=True), norm(W, affine=True)
    nn.init.normal_(saved.bias.from0)
    fresh.load_state_dict(dict(saved.state_dict()))
    assert torch.equal(fresh.state_dict()["bias"], saved.state_dict()["bias"])


def test_packed_projections_are_cut_one_by_one() -> None:
    plain = nn.Linear(5, 24)
    net = Supernet(nn.Sequential(P.Linear.of(plain, out_features=W, parts=3)))
    x = torch.randn(2, 5)
    for architecture, width in ((a, a["width"]) for a in every(net)):
        expected = torch.cat([part[:, :width] for part in plain(x).split(8, 1)], 1)
        torch.testing.assert_close(net(x, architecture), expected)
    assert Supernet(P.Linear(5, W, parts=3)).module.state_dict()["weight"].shape == (24, 5)


def test_missing_unexpected_and_other_shapes_are_told_as_of_a_plain_layer() -> None:
    layer = P.Linear(3, W)
    assert layer.load_state_dict({"weight": torch.zeros(8, 3), "more": torch.ones(1)}, False) == (
        ["bias"],
        ["more"],
    )
    with pytest.raises(RuntimeError, match=r"size mismatch for weight: found \(4, 3\)"):
        layer.load_state_dict({"weight": torch.zeros(4, 3), "bias": torch.zeros(8)})


def test_precision_frozen_weights_and_mode_are_kept() -> None:
    plain = nn.Linear(3, 8).double().eval()
    plain.bias.requires_grad_(False)
    net = Supernet(P.Linear.of(plain, out_features=W))
    derived = net.derive(widest(net), keep_weights=True)
    for layer in (net.module, derived):
        weights = dict(layer.named_parameters())
        assert {w.dtype for w in weights.values()} == {torch.float64}
        assert {n.split(".")[0]: w.requires_grad for n, w in weights.items()} == {
            "weight": True,
            "bias": False,
        }
        assert not layer.training


class Reads(nn.Module):
    """Reads weight and sizes of a layer in a call, as code of others does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = P.Linear(3, W), P.LayerNorm(W)

    def forward(self, x: Tensor) -> Tensor:
        sizes = self.layer.in_features, self.layer.out_features, self.norm.normalized_shape
        self.seen = (*sizes, self.layer.weight.shape, self.layer.bias.dtype)
        return nn.functional.linear(x, self.layer.weight, self.layer.bias)


def test_in_a_call_a_weight_is_a_tensor_and_a_size_is_a_number() -> None:
    net = Supernet(Reads())
    x = torch.randn(2, 3)
    for architecture in every(net):
        width = architecture["width"]
        y = net(x, architecture)
        assert net.module.seen == (3, width, (width,), (width, 3), torch.float32)
        assert torch.equal(y, net.derive(architecture, keep_weights=True)(x))
    assert net.module.layer.out_features is W


class NormAndRelu(nn.BatchNorm2d):
    """As that of timm: a norm that does more than a norm."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


def with_hook(layer: nn.Module) -> nn.Module:
    layer.register_forward_hook(lambda layer, args, output: output.relu())
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: P.Linear.of(nn.Linear(3, 16), out_features=W),
            "Linear.of: out_features: found at most 8, expected 16",
        ),
        (lambda: P.Linear.of(nn.Conv2d(3, 8, 1), out_features=W), "found Conv2d, expected a plain"),
        (lambda: P.Linear.of(P.Linear(3, W), out_features=W), "expected a plain Linear"),
        (lambda: P.BatchNorm2d.of(NormAndRelu(8), num_features=W), "NormAndRelu, which has a forw"),
        (lambda: P.Linear.of(spectral_norm(nn.Linear(3, 8)), out_features=W), "would be lost"),
        (lambda: P.Linear.of(with_hook(nn.Linear(3, 8)), out_features=W), "would be lost"),
        (lambda: P.LayerNorm.of(nn.LayerNorm((4, 8)), normalized_shape=W), "one dimension"),
        (lambda: P.ConvTranspose2d(3, 4, W), "ConvTranspose2d: kernel_size: found Value 'width'"),
        (lambda: P.Conv2d(3, 4, (W, 3)), "Conv2d: kernel_size: found a Value among"),
        (lambda: P.LSTM.of(nn.LSTM(3, 8, proj_size=4), hidden_size=W), "LSTM: found proj_size = 4"),
    ],
)
def test_what_cannot_be_made_is_told(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make()


@pytest.mark.parametrize(
    ("kind", "loaded", "message"),
    [
        ({}, {}, "size mismatch for running_mean"),
        ({"track_running_stats": False}, {}, "Unexpected key.*running_mean"),
        ({"affine": False}, {"affine": False}, "size mismatch for running_mean"),
    ],
)
def test_statistics_of_another_norm_are_refused(
    kind: dict[str, bool], loaded: dict[str, bool], message: str
) -> None:
    norm = P.BatchNorm2d(W, **kind)
    with pytest.raises(RuntimeError, match=message):
        norm.load_state_dict(nn.BatchNorm2d(4, **loaded).state_dict())


def test_statistics_of_another_precision_are_converted() -> None:
    norm, plain = P.BatchNorm1d(W), nn.BatchNorm1d(8).double()
    plain(3 * torch.randn(4, 8).double() + 1)
    norm.load_state_dict(plain.state_dict())
    x = torch.randn(3, 8)
    net = Supernet(nn.Sequential(norm)).eval()
    torch.testing.assert_close(net(x, net.largest), plain.float().eval()(x))


def test_a_layer_without_weights_is_where_its_buffers_are() -> None:
    norm = P.BatchNorm1d.of(nn.BatchNorm1d(8, affine=False).to("meta"), num_features=W)
    assert norm.running_mean.is_meta
