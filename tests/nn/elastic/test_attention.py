"""Attention of a chosen number of heads against PyTorch's, and against definitions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.nn.elastic.head_attention import HeadAttention
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every

L, S, N, E = 5, 7, 3, 16


def heads() -> Value:
    return Value("heads", [1, 2, 4])


def inputs(batch_first: bool, cross: bool) -> tuple[Tensor, Tensor, Tensor]:
    query = torch.randn(N, L, E) if batch_first else torch.randn(L, N, E)
    if not cross:
        return query, query, query
    other = torch.randn(N, S, E) if batch_first else torch.randn(S, N, E)
    return query, other, other


def some(keys: int) -> Tensor:
    """Hides some keys of each query, but not all."""
    return (torch.rand(L, keys) < 0.3) & (torch.arange(keys) > 0)


MASKS: dict[str, Callable[[int], dict[str, Tensor | bool]]] = {
    "none": lambda s: {},
    "booleans": lambda s: {"attn_mask": some(s)},
    "numbers": lambda s: {"attn_mask": torch.randn(L, s)},
    "for each head": lambda s: {"attn_mask": torch.randn(N * 4, L, s)},
    "padding": lambda s: {"key_padding_mask": torch.arange(s).expand(N, s) > s - 2},
    "both": lambda s: {
        "key_padding_mask": torch.arange(s).expand(N, s) > s - 2,
        "attn_mask": some(s),
    },
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("settings", [{}, {"batch_first": True}, {"bias": False}])
@pytest.mark.parametrize("cross", [True, False])
def test_with_all_heads_it_is_that_of_pytorch(
    cross: bool, settings: dict[str, bool], need_weights: bool, mask: str
) -> None:
    plain = nn.MultiheadAttention(E, 4, **settings)
    net = Supernet(P.MultiheadAttention.of(plain, heads=heads()))
    assert net.module.state_dict().keys() == plain.state_dict().keys()
    x = inputs(settings.get("batch_first", False), cross)
    masks = {"need_weights": need_weights} | MASKS[mask](S if cross else L)
    expected, expected_weights = plain(*x, **masks)
    output, weights = net(*x, architecture=net.space.architecture({"heads": 4}), **masks)
    torch.testing.assert_close(output, expected)
    assert (weights is None) == (not need_weights)
    if weights is not None:
        torch.testing.assert_close(weights, expected_weights)
    if mask == "none" and not cross:
        assert torch.equal(output, expected)


def test_causal_and_unbatched() -> None:
    plain = nn.MultiheadAttention(E, 4)
    net = Supernet(P.MultiheadAttention.of(plain, heads=heads()))
    all_heads = net.space.architecture({"heads": 4})
    x = torch.randn(L, E)
    causal = nn.Transformer.generate_square_subsequent_mask(L)
    for need_weights in (True, False):
        settings = {"attn_mask": causal, "is_causal": True, "need_weights": need_weights}
        expected = plain(x, x, x, **settings)
        found = net(x, x, x, architecture=all_heads, **settings)
        torch.testing.assert_close(found[0], expected[0])
        if need_weights:
            torch.testing.assert_close(found[1], expected[1])


def test_fewer_heads_are_the_first_of_the_trained_ones() -> None:
    plain = nn.MultiheadAttention(E, 4)
    net = Supernet(P.MultiheadAttention.of(plain, heads=heads()))
    x = torch.randn(L, N, E)
    for number in (1, 2, 4):
        # The definition: the sum over heads of what each gives.
        out = plain.out_proj.bias + torch.zeros(L, N, E)
        for head in range(number):
            rows = slice(4 * head, 4 * head + 4)
            q, k, v = (
                nn.functional.linear(x, w[rows], b[rows]).transpose(0, 1)
                for w, b in zip(
                    plain.in_proj_weight.chunk(3), plain.in_proj_bias.chunk(3), strict=True
                )
            )
            weights = (q @ k.transpose(1, 2) / 2).softmax(-1)
            out = out + ((weights @ v) @ plain.out_proj.weight[:, rows].T).transpose(0, 1)
        architecture = net.space.architecture({"heads": number})
        torch.testing.assert_close(net(x, x, x, architecture)[0], out)
        derived = net.derive(architecture, keep_weights=True)
        assert type(derived) is HeadAttention
        assert torch.equal(net(x, x, x, architecture)[0], derived(x, x, x)[0])


@pytest.mark.parametrize("need_weights", [True, False])
def test_cost_and_derived_network_agree(need_weights: bool) -> None:
    width = Value("width", [8, 16])
    module = P.MultiheadAttention(width, heads(), 4, kv_heads=Value("kv", [1]))
    net = Supernet(module)
    for architecture in every(net):
        network = net.derive(architecture)
        total = sum(w.numel() for w in network.parameters())
        assert net.cost("parameters")(architecture) == total


def test_keys_and_values_may_have_fewer_heads() -> None:
    module = P.MultiheadAttention(E, Value("heads", [2, 4]), 8, Value("kv", [1, 2]), bias=False)
    net = Supernet(module)
    x = torch.randn(L, 1, E)
    cost = net.cost("multiply_adds", x, x, x, need_weights=True)
    for architecture in every(net):
        number, shared = int(architecture["heads"]), int(architecture["kv"])
        network = net.derive(architecture, keep_weights=True)
        y, _ = network(x, x, x)
        assert torch.equal(net(x, x, x, architecture)[0], y)
        fused, _ = network(x, x, x, need_weights=False)
        torch.testing.assert_close(fused, y)
        # The definition, of every head with the keys and values that it shares.
        q, k, _ = network.in_proj_weight.split([8 * number, 8 * shared, 8 * shared])
        for head in range(number):
            kv = head // (number // shared)
            scores = (x[:, 0] @ q[8 * head : 8 * head + 8].T) @ (
                x[:, 0] @ k[8 * kv : 8 * kv + 8].T
            ).T
            expected = (scores / 8**0.5).softmax(-1)
            torch.testing.assert_close(
                network(x, x, x, average_attn_weights=False)[1][0, head], expected
            )
        projections = L * E * 8 * (number + 2 * shared)
        assert cost(architecture) == projections + 2 * L * L * 8 * number + L * 8 * number * E
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(x, x, x)
        assert cost(architecture) == counter.get_total_flops() // 2


def test_a_mask_for_each_head_is_cut_with_the_heads() -> None:
    net = Supernet(P.MultiheadAttention(E, heads(), 4))
    x, mask = torch.randn(L, N, E), some(L).expand(N, 4, L, L) & (torch.rand(N, 4, L, L) < 0.5)
    two = net.space.architecture({"heads": 2})
    found = net(x, x, x, architecture=two, attn_mask=mask.flatten(0, 1))
    network = net.derive(two, keep_weights=True)
    assert torch.equal(found[0], network(x, x, x, attn_mask=mask[:, :2].flatten(0, 1))[0])


@pytest.mark.parametrize("norm_first", [True, False])
def test_in_an_encoder_layer_of_pytorch(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(E, 4, 32, batch_first=True, norm_first=norm_first).eval()
    x = torch.randn(N, L, E)
    expected = layer(x)
    layer.self_attn = P.MultiheadAttention.of(layer.self_attn, heads=heads())
    net = Supernet(layer)
    torch.testing.assert_close(net(x, net.space.architecture({"heads": 4})), expected)
    for architecture, grad in product(every(net), (True, False)):
        with torch.set_grad_enabled(grad):
            network = net.derive(architecture, keep_weights=True)
            assert torch.equal(net(x, architecture), network(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: P.MultiheadAttention(E, heads(), 4, Value("kv", [1, 2])),
            "found 2 kv_heads of kv",
        ),
        (lambda: P.MultiheadAttention(E, heads() + 1, 4, 1), "1 kv_heads for heads . 1 heads"),
        (lambda: P.MultiheadAttention(E, 2, heads()), "found head_dim = heads, expected a number"),
        (
            lambda: P.MultiheadAttention.of(nn.MultiheadAttention(E, 4, kdim=3), heads=heads()),
            "found kdim or vdim",
        ),
        (
            lambda: P.MultiheadAttention.of(
                nn.MultiheadAttention(E, 4, add_bias_kv=True), heads=heads()
            ),
            "found add_bias_kv",
        ),
        (
            lambda: P.MultiheadAttention.of(nn.MultiheadAttention(E, 8), heads=heads()),
            "heads: found at most 4, expected 8",
        ),
    ],
)
def test_what_cannot_be_is_told(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make()
