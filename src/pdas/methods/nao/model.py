"""Encoder, predictor and decoder of architectures.

Luo et al., "Neural Architecture Optimization", NeurIPS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.methods.nao.sequence import Sequence
from pdas.support.arrays import IntArray


@dataclass(frozen=True)
class Size:
    """The size of the model; the defaults are the published ones.

    Attributes:
        embedding: numbers of a token in the encoder.
        hidden: numbers of a state, in the encoder and in the decoder.
        predictor: numbers of a layer of the predictor.
        layers: of the predictor.
        dropout: after each of these.

    Example:
        Size(embedding=8, hidden=16, predictor=16)
    """

    embedding: int = 48
    hidden: int = 96
    predictor: int = 200
    layers: int = 3
    dropout: float = 0.1


class Model(nn.Module):
    """From tokens to states, from states to a score, and from states back to tokens.

    Args:
        sequence: how architectures are written.
        size: of the model.

    Example:
        model = Model(sequence, Size())
        h = model.encode(tokens)
        model.score(h)
    """

    def __init__(self, sequence: Sequence, size: Size) -> None:
        super().__init__()
        self._joined = sequence.joined
        first = torch.as_tensor(sequence.first)
        legal = torch.full((len(first), sequence.tokens), -torch.inf)
        for row, (start, K) in enumerate(zip(sequence.first, sequence.sizes, strict=True)):
            legal[row, start : start + K] = 0.0
        self._first, self._legal = first, legal  # the tokens that may stand at each place
        hidden = size.hidden
        self.embedding = nn.Embedding(sequence.tokens, size.embedding)
        self.encoder = nn.LSTM(size.embedding * sequence.joined, hidden, batch_first=True)
        layers: list[nn.Module] = []
        width = hidden
        for _ in range(size.layers):
            layers += [nn.Linear(width, size.predictor), nn.ReLU(), nn.Dropout(size.dropout)]
            width = size.predictor
        self.predictor = nn.Sequential(*layers, nn.Linear(width, 1), nn.Sigmoid())
        self.tokens = nn.Embedding(sequence.tokens, hidden)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.join = nn.Linear(2 * hidden, hidden, bias=False)
        self.output = nn.Linear(hidden, sequence.tokens)

    def encode(self, tokens: Tensor) -> Tensor:
        """The states `(n, T, hidden)` of tokens `(n, D)`, each of norm 1."""
        n, D = tokens.shape
        steps = self.embedding(tokens).reshape(n, D // self._joined, -1)
        return F.normalize(self.encoder(steps)[0], dim=-1)

    def point(self, h: Tensor) -> Tensor:
        """The point `(n, hidden)` of states, of norm 1."""
        return F.normalize(h.mean(1), dim=-1)

    def score(self, h: Tensor) -> Tensor:
        """The predicted score `(n,)` of states, between 0 and 1."""
        score: Tensor = self.predictor(self.point(h)).squeeze(1)
        return score

    def logits(self, h: Tensor, tokens: Tensor) -> Tensor:
        """The logits `(n, D, tokens)` of each token after the true ones before it."""
        before = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], 1)
        e = self.point(h).unsqueeze(0)
        return self._read(self.decoder(self.tokens(before), (e, e))[0], h)

    @torch.no_grad()
    def decode(self, h: Tensor) -> IntArray:
        """Indices `(n, D)`: at each place the most probable token that may stand there."""
        e = self.point(h).unsqueeze(0)
        state, token = (e, e), torch.zeros(len(h), 1, dtype=torch.long)
        chosen = []
        for place in range(len(self._first)):
            out, state = self.decoder(self.tokens(token), state)
            token = (self._read(out, h)[:, 0] + self._legal[place]).argmax(1, keepdim=True)
            chosen.append(token - self._first[place])
        indices: IntArray = torch.cat(chosen, 1).numpy()
        return indices

    def _read(self, out: Tensor, h: Tensor) -> Tensor:
        """Logits of the decoder's outputs `(n, t, hidden)`, which attend to the states."""
        attention = (self.query(out) @ h.transpose(1, 2)).softmax(-1) @ h
        logits: Tensor = self.output(torch.tanh(self.join(torch.cat([attention, out], -1))))
        return logits
