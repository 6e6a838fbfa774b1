"""Models that are made of PyTorch's own layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from pdas.nn import (
    GRU,
    LSTM,
    BatchNorm2d,
    Choice,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Linear,
    MultiheadAttention,
    OptionalLayer,
    Repeat,
    Value,
)
from tests.strangers.networks.row import Inputs, images, row


def sequences(*shapes: tuple[int, ...]) -> Any:
    return lambda: Inputs(tuple(torch.randn(*shape) for shape in shapes))


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


@row(
    "nn.TransformerEncoder",
    "layers, and heads and inner width of each",
    package="torch",
    make=encoder,
    inputs=sequences((2, 5, 16)),
    quick=True,
)
def encoder_depth_heads_and_inner(model: Any) -> None:
    for number, layer in enumerate(model.layers):
        w = Value(f"inner {number}", [8, 16, 32])
        layer.linear1 = Linear.of(layer.linear1, out_features=w)
        layer.linear2 = Linear.of(layer.linear2, in_features=w)
        heads = Value(f"heads {number}", [1, 2, 4])
        layer.self_attn = MultiheadAttention.of(layer.self_attn, heads=heads)
    model.layers = Repeat("depth", model.layers)


def decoder() -> nn.Module:
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 2, 32, batch_first=True), 2)


@row(
    "nn.TransformerDecoder",
    "heads of both attentions and inner width of each layer",
    package="torch",
    make=decoder,
    inputs=sequences((2, 5, 16), (2, 4, 16)),
    quick=True,
)
def decoder_heads_and_inner(model: Any) -> None:
    for number, layer in enumerate(model.layers):
        w = Value(f"inner {number}", [8, 16, 32])
        layer.linear1 = Linear.of(layer.linear1, out_features=w)
        layer.linear2 = Linear.of(layer.linear2, in_features=w)
        heads, memory = Value(f"heads {number}", [1, 2]), Value(f"memory {number}", [1, 2])
        layer.self_attn = MultiheadAttention.of(layer.self_attn, heads=heads)
        layer.multihead_attn = MultiheadAttention.of(layer.multihead_attn, heads=memory)


class Tagger(nn.Module):
    """A recurrent network that labels each step."""

    def __init__(self, kind: type[nn.LSTM | nn.GRU]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.recurrent = kind(8, 16, batch_first=True)
        self.last = nn.Linear(16, 5)

    def forward(self, words: Tensor) -> Tensor:
        steps, _ = self.recurrent(self.embedding(words))
        return self.last(steps)


def words() -> Inputs:
    return Inputs((torch.randint(20, (2, 6)),))


@row(
    "tagger with nn.LSTM",
    "widths of the embedding and of the states",
    package="torch",
    make=lambda: Tagger(nn.LSTM),
    inputs=words,
    quick=True,
)
def lstm_widths(model: Any) -> None:
    word, state = Value("word", [4, 8]), Value("state", [4, 8, 16])
    model.embedding = Embedding.of(model.embedding, embedding_dim=word)
    model.recurrent = LSTM.of(model.recurrent, input_size=word, hidden_size=state)
    model.last = Linear.of(model.last, in_features=state)


@row(
    "tagger with nn.GRU",
    "the same widths, and GRU or LSTM",
    package="torch",
    make=lambda: Tagger(nn.GRU),
    inputs=words,
    full={"recurrent": "gru"},
    without={"loading": "the LSTM is no part of the plain model"},
    quick=True,
)
def recurrent_kind_and_widths(model: Any) -> None:
    word, state = Value("word", [4, 8]), Value("state", [4, 8, 16])
    gru = GRU.of(model.recurrent, input_size=word, hidden_size=state)
    lstm = LSTM(word, state, batch_first=True)
    model.embedding = Embedding.of(model.embedding, embedding_dim=word)
    model.recurrent = Choice("recurrent", {"gru": gru, "lstm": lstm})
    model.last = Linear.of(model.last, in_features=state)


def autoencoder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 2, 2),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 3, 2, 2),
    )


@row(
    "auto-encoder with nn.ConvTranspose2d",
    "all widths",
    package="torch",
    make=autoencoder,
    inputs=images(16),
    quick=True,
)
def autoencoder_widths(model: Any) -> None:
    outer, code, last = Value("outer", [8, 16]), Value("code", [8, 32]), Value("last", [8, 16])
    model[0] = Conv2d.of(model[0], out_channels=outer)
    model[1] = BatchNorm2d.of(model[1], num_features=outer)
    model[3] = Conv2d.of(model[3], in_channels=outer, out_channels=code)
    model[5] = ConvTranspose2d.of(model[5], in_channels=code, out_channels=last)
    model[7] = ConvTranspose2d.of(model[7], in_channels=last)


def discriminator() -> nn.Module:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(3, 8, 3, 2, 1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(8, 8, 3, 1, 1)),
        weight_norm(nn.Conv2d(8, 8, 3, 1, 1)),
        nn.Flatten(),
        nn.Linear(8 * 64, 1),
    )


@row(
    "discriminator with spectral_norm and weight_norm",
    "which layers are used",
    package="torch",
    make=discriminator,
    inputs=images(16),
    quick=True,
    without={"pickle": "PyTorch refuses to pickle modules with parametrizations"},
)
def discriminator_layers(model: Any) -> None:
    model[2] = OptionalLayer("spectral", model[2])
    model[3] = OptionalLayer("weight", model[3])
