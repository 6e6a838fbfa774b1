"""The training of the model on scored architectures, and the ascent to better ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.methods.nao.model import Model
from pdas.methods.nao.sequence import Sequence
from pdas.support.arrays import FloatArray, IntArray

_log = logging.getLogger(__name__)

PREDICTION = 0.8  # lambda, the weight of the predictor's loss; the decoder's has the rest
RATE, DECAY, CLIP = 1e-3, 1e-4, 5.0
ENOUGH_PAIRS, MOST_WRONG = 0.75, 0.01  # of a fit that succeeded


@dataclass(frozen=True)
class Fitting:
    """How a model is trained. Published are 1000 epochs in batches of 100.

    Attributes:
        epochs: passes over the architectures.
        batch_size: architectures of a batch, at most.

    Example:
        Fitting(epochs=1000, batch_size=100)
    """

    epochs: int = 150
    batch_size: int = 25


@dataclass(frozen=True)
class Fit:
    """How well a model fits what it was trained on.

    Attributes:
        pairs: the share of pairs of architectures with unequal scores that it orders rightly.
        wrong: the share of tokens that decoding what was encoded changes.

    Example:
        Fit(pairs=0.8, wrong=0.0).failed
    """

    pairs: float
    wrong: float

    @property
    def failed(self) -> bool:
        """Whether its proposals have little meaning."""
        return self.pairs < ENOUGH_PAIRS or self.wrong > MOST_WRONG


def scores_of(losses: FloatArray) -> FloatArray:
    """Scores from 0, of the largest loss, to 1."""
    span = losses.max() - losses.min()
    scores: FloatArray = (losses.max() - losses) / (span or 1.0)
    return scores


def fit(
    model: Model,
    sequence: Sequence,
    indices: IntArray,
    losses: FloatArray,
    fitting: Fitting,
    rng: np.random.Generator,
) -> Fit:
    """Train a model; it continues from its weights, with a new Adam.

    Args:
        model: to be trained.
        sequence: how architectures are written.
        indices: of the architectures, `(n, D)`.
        losses: of these, `(n,)`, finite.
        fitting: how.
        rng: of the order, the swaps and the dropout.
    """
    y = torch.as_tensor(scores_of(losses), dtype=torch.float32)
    adam = torch.optim.Adam(model.parameters(), RATE, weight_decay=DECAY)
    model.train()
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(int(rng.integers(2**31)))  # not those of devices
        for _ in range(fitting.epochs):
            for rows in _batches(len(indices), fitting.batch_size, rng):
                tokens = _tokens(sequence, sequence.swapped(indices[rows], rng))
                h = model.encode(tokens)
                prediction = F.mse_loss(model.score(h), y[rows])
                words = F.cross_entropy(model.logits(h, tokens).transpose(1, 2), tokens)
                adam.zero_grad()
                (PREDICTION * prediction + (1 - PREDICTION) * words).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                adam.step()
    found = quality(model, sequence, indices, y)
    if found.failed:
        _log.warning(
            "nao: the model orders %.0f %% of the pairs rightly and changes %.1f %% of the tokens, "
            "where %.0f %% at least and %.0f %% at most are a good fit; raise fit_epochs",
            *(100 * each for each in (found.pairs, found.wrong, ENOUGH_PAIRS, MOST_WRONG)),
        )
    return found


@torch.no_grad()
def quality(model: Model, sequence: Sequence, indices: IntArray, y: Tensor) -> Fit:
    """How well a model fits architectures `(n, D)` with scores `(n,)`."""
    model.eval()
    h = model.encode(_tokens(sequence, indices))
    above = y.unsqueeze(1) > y
    score = model.score(h)
    right = (score.unsqueeze(1) > score)[above].float()
    wrong = float((model.decode(h) != indices).mean())
    return Fit(float(right.mean()) if len(right) else 1.0, wrong)


def ascend(model: Model, sequence: Sequence, indices: IntArray, step: float) -> IntArray:
    """Where architectures come to by a step along the gradient of the predicted score.

    h <- h + step grad_h f(e(h)), normalised.

    Args:
        model: fitted.
        sequence: how architectures are written.
        indices: `(n, D)`.
        step: its length, in units of the gradient.

    Returns:
        `(n, D)`, decoded.
    """
    model.eval()
    h = model.encode(_tokens(sequence, indices)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.score(h).sum(), h)
    return model.decode(F.normalize((h + step * gradient).detach(), dim=-1))


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[IntArray]:
    order = rng.permutation(n)
    for first in range(0, n, size):
        yield order[first : first + size]


def _tokens(sequence: Sequence, indices: IntArray) -> Tensor:
    return torch.as_tensor(sequence.write(indices))
