"""What PyTorch's fast path of transformer layers reads is what is chosen, or it is not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.nn import (
    Choice,
    LayerNorm,
    Linear,
    MultiheadAttention,
    OptionalLayer,
    Repeat,
    RMSNorm,
    Supernet,
    Value,
    optional,
)

X = torch.randn(3, 5, 8)
PADDED = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
CAUSAL = nn.Transformer.generate_square_subsequent_mask(5)
MASKS: list[dict[str, Any]] = [{}, {"src_key_padding_mask": PADDED}, {"mask": CAUSAL}]

Change = Callable[[nn.TransformerEncoder], None]

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")


def widths(encoder: nn.TransformerEncoder) -> None:
    for i, layer in enumerate(encoder.layers):
        width = Value(f"width{i}", [4, 16])
        layer.linear1 = Linear.of(layer.linear1, out_features=width)
        layer.linear2 = Linear.of(layer.linear2, in_features=width)


def heads(encoder: nn.TransformerEncoder) -> None:
    for i, layer in enumerate(encoder.layers):
        layer.self_attn = MultiheadAttention.of(layer.self_attn, heads=Value(f"heads{i}", [1, 2]))


def depth(encoder: nn.TransformerEncoder) -> None:
    encoder.layers = Repeat("depth", encoder.layers, keep="spread")


def layers(encoder: nn.TransformerEncoder) -> None:
    encoder.layers = optional(encoder.layers)


def of_each(part: str, choice: Callable[[str, Any], nn.Module]) -> Change:
    """Puts a choice, which is made of a name and what stood there, into each layer."""

    def change(encoder: nn.TransformerEncoder) -> None:
        for i, layer in enumerate(encoder.layers):
            owner, _, name = part.rpartition(".")
            around = layer.get_submodule(owner)
            setattr(around, name, choice(f"{name}{i}", getattr(around, name)))

    return change


def low_rank(name: str, old: nn.Module) -> nn.Module:
    return Choice(name, {"old": old, "low": nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 16))})


def elastic(name: str, old: nn.Module) -> nn.Module:
    return LayerNorm.of(old, normalized_shape=Value(name, [8]))


def kind_of_norm(name: str, old: nn.Module) -> nn.Module:
    return Choice(name, {"layer": old, "rms": nn.RMSNorm(8)})


CHANGES: dict[str, Change] = {
    "widths": widths,
    "heads": heads,
    "depth": depth,
    "layers": layers,
    "attention": of_each("self_attn", lambda n, old: OptionalLayer(n, old, "zeros")),
    "projection": of_each(
        "self_attn.out_proj", lambda n, old: Choice(n, {"old": old, "new": nn.Linear(8, 8)})
    ),
    "low rank": of_each("linear1", low_rank),
    "norm": of_each("norm1", lambda n, old: OptionalLayer(n, old)),
    "elastic norm": of_each("norm1", elastic),
    "kind of norm": of_each("norm2", kind_of_norm),
    "rms": of_each("norm2", lambda n, old: RMSNorm(Value(n, [8]))),
    "activation": of_each(
        "activation", lambda n, old: Choice(n, {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    ),
}


def encoder_of(change: Change) -> Supernet:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3)
    change(encoder)
    net = Supernet(encoder).eval()
    net.check(X)
    return net


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_without_gradients_the_results_are_the_same(change: Change) -> None:
    net = encoder_of(change)
    rng = np.random.default_rng(0)
    for architecture in [net.space.uniform(rng) for _ in range(4)]:
        network = net.derive(architecture, keep_weights=True)
        for masks in MASKS:
            slow = net(X, architecture, **masks)
            with torch.no_grad():
                found, derived = net(X, architecture, **masks), network(X, **masks)
            torch.testing.assert_close(found, derived, rtol=0, atol=1e-6)
            assert torch.equal(slow, network(X, **masks))
            # PyTorch's fast path gives zeros for what is padded.
            seen = ~PADDED if "src_key_padding_mask" in masks else torch.ones_like(PADDED)
            torch.testing.assert_close(found[seen], slow[seen])


def test_where_widths_alone_are_chosen_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only there."""
    taken: list[Tensor] = []
    fast = torch._transformer_encoder_layer_fwd
    monkeypatch.setattr(
        torch, "_transformer_encoder_layer_fwd", lambda *args: taken.append(args[0]) or fast(*args)
    )
    for name, change in CHANGES.items():
        net = encoder_of(change)
        taken.clear()
        with torch.no_grad():
            net(X, net.space.uniform(np.random.default_rng(1)))
        assert bool(taken) == (name in ("widths", "depth", "layers", "elastic norm")), name


def test_other_attention_and_decoders_read_what_is_chosen() -> None:
    class Decodes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
            width = Value("width", [4, 16])
            layer.linear1 = Linear.of(layer.linear1, out_features=width)
            layer.linear2 = Linear.of(layer.linear2, in_features=width)
            decoder = nn.TransformerDecoder(layer, 3)
            decoder.layers = optional(decoder.layers)
            self.decoder = decoder
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            out = Linear.of(self.attention.out_proj, out_features=Value("out", [6, 8]))
            self.attention.out_proj = out  # type: ignore[assignment]

        def forward(self, x: Tensor) -> Tensor:
            x = self.decoder(x, x, tgt_key_padding_mask=PADDED)
            out: Tensor = self.attention(x, x, x)[0]
            return out

    net = Supernet(Decodes()).eval()
    rng = np.random.default_rng(0)
    for architecture in [net.space.uniform(rng) for _ in range(6)]:
        network = net.derive(architecture, keep_weights=True)
        slow = net(X, architecture)
        with torch.no_grad():
            found = net(X, architecture)
            assert torch.equal(found, network(X))
        assert torch.equal(slow, network(X))
        torch.testing.assert_close(found, slow)
