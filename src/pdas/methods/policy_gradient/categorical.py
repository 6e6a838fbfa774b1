"""One choice among categories, some of which may be impossible: ln p = -inf."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor


def draw(log_p: Tensor, rng: np.random.Generator) -> int:
    """A category, by its probability.

    Args:
        log_p: ln p of the categories, `(K,)`.
        rng: of the draw.
    """
    below = np.cumsum(log_p.double().exp().numpy())
    return int(np.searchsorted(below, rng.random() * below[-1], side="right"))


def entropy(log_p: Tensor) -> Tensor:
    """The entropy in nats; what is impossible adds nothing.

    Args:
        log_p: ln p of the categories, `(K,)`.
    """
    possible = log_p[log_p > -math.inf]
    return -(possible.exp() * possible).sum()
