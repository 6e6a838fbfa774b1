"""What a module counts does not depend on the device, the kernels and the way it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel

from pdas.nn.counting.counter import counting

attention = F.scaled_dot_product_attention
r = torch.randn


def counted(function: Callable[..., Any], *args: Any, **named: Any) -> int:
    with torch.no_grad(), counting() as counter:
        function(*args, **named)
    assert not counter.uncounted
    return counter.total


Q = r(1, 2, 7, 4)
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_of_every_type(device: str, dtype: torch.dtype) -> None:
    q = Q.to(device, dtype)
    assert counted(attention, q, q, q) == 784
    assert counted(attention, q[0], q[0], q[0]) == 784
    assert counted(attention, query=q, key=q, value=q) == 784


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_of_every_form(device: str) -> None:
    q, k, v = r(3, 8, 7, 16).to(device), r(3, 8, 5, 16).to(device), r(3, 8, 5, 6).to(device)
    expected = 3 * 8 * 7 * 5 * (16 + 6)
    assert counted(attention, q, k, v) == expected
    mask = torch.ones(7, 5, dtype=torch.bool, device=device)
    assert counted(attention, q, k, v, attn_mask=mask) == expected
    assert counted(attention, q, k, v, is_causal=True) == expected
    assert counted(attention, q, k[:1], v[:1]) == expected  # of one example for all
    assert counted(attention, q, k[:, :2], v[:, :2], enable_gqa=True) == expected


@pytest.mark.parametrize("backend", [SDPBackend.MATH, SDPBackend.FLASH_ATTENTION])
def test_attention_by_every_kernel(backend: SDPBackend) -> None:
    with sdpa_kernel(backend):
        assert counted(attention, Q, Q, Q) == 784


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_attention_with_a_function_of_scores() -> None:
    from torch.nn.attention import flex_attention as flex

    q, k = r(1, 4, 16, 8), r(1, 2, 16, 8)
    assert counted(flex.flex_attention, q, k, k, enable_gqa=True) == 4 * 16 * 16 * 16
    assert not flex._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_multihead_attention(need_weights: bool, training: bool) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True).train(training)
    x = r(1, 7, 8)
    assert counted(layer, x, x, x, need_weights=need_weights) == 2576
    assert counted(layer, x[0], x[0], x[0], need_weights=need_weights) == 2576
    mask = torch.zeros(7, 7, dtype=torch.bool)
    assert counted(layer, x, x, x, need_weights=need_weights, attn_mask=mask) == 2576


@pytest.mark.parametrize("training", [True, False])
def test_transformers(training: bool) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).train(training)
    x, padding = r(1, 7, 8), torch.arange(7)[None] > 4
    assert counted(layer, x) == 4368
    assert counted(layer, x, src_key_padding_mask=padding) == 4368
    encoder = nn.TransformerEncoder(layer, 3).train(training)
    assert counted(encoder, x, src_key_padding_mask=padding) == 3 * 4368
    decoder = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True).train(training)
    assert counted(decoder, x, r(1, 5, 8)) == 4368 + 2 * 7 * 64 + 2 * 5 * 64 + 7 * 5 * 16


def test_a_layer_in_one_piece_counts_as_by_parts() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    heads = layer.self_attn
    weights = (
        (heads.in_proj_weight, heads.in_proj_bias, heads.out_proj.weight, heads.out_proj.bias),
        (False, False, 1e-5, *layer.norm1.parameters(), *layer.norm2.parameters()),
        (*layer.linear1.parameters(), *layer.linear2.parameters()),
    )
    args = [part for parts in weights for part in parts]
    assert counted(torch._transformer_encoder_layer_fwd, r(1, 7, 8), 8, 2, *args) == 4368


class Many(nn.Module):
    """Layers of many kinds, one after another: `(1, 3, 8, 8) -> (2, 5)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.cell = nn.GRUCell(4, 4)
        self.pair = nn.Bilinear(4, 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(F.gelu(self.norm(self.conv(x)))).flatten(2).mT
        x = self.layer(x)[0, :2]
        x = self.cell(x, F.layer_norm(x, (4,)))
        return self.pair(x, torch.softmax(x, 1))


MANY = (
    4 * 4 * 27 * 8 + 16 * 8 * 4 * 4 + (64 * 4 * (16 + 16) + 2 * 4 * 64 * 64)
    + 2 * 12 * 8 + 2 * 5 * 4 * (4 + 1)
)  # fmt: skip


def test_every_device_counts_the_same() -> None:
    net, x = Many().eval(), r(1, 3, 8, 8)
    assert counted(net, x) == MANY
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert counted(net, mode.from_tensor(x)) == MANY
    assert counted(net.to("meta"), x.to("meta")) == MANY


def test_inference_mode_counts_the_same() -> None:
    with torch.inference_mode():
        assert counted(Many().eval(), r(1, 3, 8, 8)) == MANY
        assert counted(attention, Q, Q, Q) == 784


@pytest.mark.filterwarnings("ignore:`torch.jit.trace` is deprecated")
def test_scripted_attention_counts() -> None:
    traced = torch.jit.trace(lambda q: attention(q, q, q), (Q,))
    assert counted(traced, Q) == 784


def test_of_two_branches_the_larger_counts() -> None:
    def branches(x: Tensor) -> Any:
        return torch.cond(x.sum() > 0, lambda x: x @ x, lambda x: x + 1, (x,))

    for x in (torch.ones(3, 3), -torch.ones(3, 3)):
        assert counted(branches, x) == 27
        with torch.no_grad(), counting():
            assert torch.equal(branches(x), x @ x if x.sum() > 0 else x + 1)


def test_tensors_of_another_kind_count_what_they_compute() -> None:
    jagged = torch.nested.nested_tensor([r(3, 8), r(5, 8)], layout=torch.jagged)
    assert counted(nn.Linear(8, 4), jagged) == (3 + 5) * 8 * 4


def test_settings_are_as_before() -> None:
    fast = torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(ZeroDivisionError), counting():
        assert not torch.backends.mha.get_fastpath_enabled()
        1 / 0  # noqa: B018
    assert torch.backends.mha.get_fastpath_enabled() == fast
