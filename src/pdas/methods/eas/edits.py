"""Edits of a network: they are drawn by a policy, and judged with gradients afterwards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pdas.methods.eas.layers import LayerSpace, Widths
from pdas.methods.eas.policy import EditPolicy
from pdas.methods.policy_gradient.categorical import draw as draw_category
from pdas.methods.policy_gradient.categorical import entropy

Edit = list[int]
"""A wider decision has 0 or 1 for each layer; a deeper one has a block and a place in it."""

NEW_WIDTH = 1  # of a new layer: the narrowest


class Edits(NamedTuple):
    """The decisions for one network, in their order.

    Attributes:
        wider: the first ones.
        deeper: those after them.

    Example:
        Edits([[0, 1, 0]], [[0, 2]])
    """

    wider: list[Edit]
    deeper: list[Edit]


@torch.no_grad()
def draw(
    policy: EditPolicy,
    start: Widths,
    space: LayerSpace,
    counts: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Edits, Widths]:
    """Draw edits of a network; the network is encoded anew for each.

    Args:
        policy: that decides.
        start: the network.
        space: of the networks.
        counts: wider and deeper decisions.
        rng: of the draws.

    Returns:
        The edits, and the network with them. A deeper decision is left out where all are full.
    """
    widths, edits = [[*row] for row in start], Edits([], [])
    for _ in range(counts[0]):
        p = policy.wider(widths).sigmoid().numpy()
        edit = (rng.random(len(p)) < p).astype(int).tolist()
        edits.wider.append(edit)
        widen(widths, edit)
    for _ in range(counts[1]):
        if all(len(row) >= space.layers for row in widths):
            break
        blocks, state = policy.deeper(widths)
        block = draw_category(blocks, rng)
        place = draw_category(policy.places(block, len(widths[block]), state), rng)
        edits.deeper.append([block, place])
        widths[block].insert(place, NEW_WIDTH)
    return edits, widths


def log_p_and_entropy(policy: EditPolicy, start: Widths, edits: Edits) -> tuple[Tensor, Tensor]:
    """ln p of all edits, and the mean entropy of a decision in nats, with gradients.

    Args:
        policy: that decides.
        start: the network before the edits.
        edits: of `draw`.
    """
    widths = [[*row] for row in start]
    log_ps, entropies = [], []
    for edit in edits.wider:
        logits = policy.wider(widths)
        free, chosen = logits > -torch.inf, torch.tensor(edit, dtype=torch.bool)
        yes, no = logsigmoid(logits[free]), logsigmoid(-logits[free])
        log_ps.append(torch.where(chosen[free], yes, no).sum())
        entropies.append(-(yes.exp() * yes + no.exp() * no).sum())
        widen(widths, edit)
    for block, place in edits.deeper:
        blocks, state = policy.deeper(widths)
        places = policy.places(block, len(widths[block]), state)
        log_ps.append(blocks[block] + places[place])
        entropies.append(entropy(blocks) + entropy(places))
        widths[block].insert(place, NEW_WIDTH)
    zero = torch.zeros(())
    return sum(log_ps, zero), sum(entropies, zero) / max(1, len(entropies))


def widen(widths: Widths, edit: Edit) -> None:
    """Give layers their next width, in place."""
    chosen = iter(edit)
    for row in widths:
        row[:] = [width + next(chosen) for width in row]
