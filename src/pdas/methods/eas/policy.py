"""The policy of EAS: which layers become wider, and where a further one comes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pdas.methods.eas.layers import LayerSpace, Widths
from pdas.methods.policy_gradient.policy import uniform_weights

EMBEDDING, HIDDEN = 16, 50  # sizes, of each direction of the encoder
SCALE = 0.1  # weights are uniform in (-SCALE, SCALE)


class EditPolicy(nn.Module):
    """An encoder over the layers, with an actor for each kind of edit.

    The sequence has a token for each layer, its width, and one between two blocks. An LSTM in both
    directions makes h_i of them. Wider: layer i gets its next width with sigmoid(w . h_i + b).
    Deeper: a further LSTM begins with the last state of the encoder, and draws a block and then a
    place in it.

    Args:
        space: what is edited.
        seed: of the weights.

    Example:
        policy.wider([[1, 1], [2]])  # logits of three layers
    """

    def __init__(self, space: LayerSpace, *, seed: int = 0) -> None:
        super().__init__()
        self._space = space
        self.embedding = nn.Embedding(1 + space.widths, EMBEDDING)  # 0: a transition
        self.encoder = nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True)
        self.widen = nn.Linear(2 * HIDDEN, 1)
        self.decoder = nn.LSTM(EMBEDDING, 2 * HIDDEN)
        self.go = nn.Parameter(torch.zeros(EMBEDDING))
        self.block = nn.Linear(2 * HIDDEN, space.blocks)
        self.blocks = nn.Embedding(space.blocks, EMBEDDING)
        self.place = nn.Linear(2 * HIDDEN, space.layers)
        uniform_weights(self, SCALE, seed)

    def wider(self, widths: Widths) -> Tensor:
        """Logits of every layer becoming wider, `(layers,)`; -inf for the widest."""
        tokens = _tokens(widths)
        states = self._encoded(tokens)[0]
        layers = torch.tensor([t for t in tokens if t > 0])
        logits: Tensor = self.widen(states[torch.tensor(tokens) > 0])[:, 0]
        return logits.masked_fill(layers == self._space.widths, -torch.inf)

    def deeper(self, widths: Widths) -> tuple[Tensor, Decoded]:
        """ln p of the blocks, `(blocks,)`, -inf for full ones; and the state for `places`."""
        _, (h, c) = self._encoded(_tokens(widths))
        output, state = self.decoder(self.go[None], (h.reshape(1, -1), c.reshape(1, -1)))
        full = torch.tensor([len(row) >= self._space.layers for row in widths])
        return self.block(output[0]).masked_fill(full, -torch.inf).log_softmax(0), state

    def places(self, block: int, layers: int, state: Decoded) -> Tensor:
        """ln p of how many of the block's layers come before the new one, `(places,)`.

        Args:
            block: its number, from 0.
            layers: in it; there are so many places, and one more.
            state: of `deeper`.
        """
        output, _ = self.decoder(self.blocks.weight[block][None], state)
        logits: Tensor = self.place(output[0])[: layers + 1]
        return logits.log_softmax(0)

    def _encoded(self, tokens: Sequence[int]) -> tuple[Tensor, Decoded]:
        found: tuple[Tensor, Decoded] = self.encoder(self.embedding(torch.tensor(tokens)))
        return found


Decoded = tuple[Tensor, Tensor]
"""h and c of an LSTM."""


def _tokens(widths: Widths) -> list[int]:
    tokens: list[int] = []
    for number, row in enumerate(widths):
        tokens += [*([0] if number else []), *row]
    return tokens or [0]
