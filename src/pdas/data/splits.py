"""Which images go where: the two halves of the search, and a test part split off."""

from __future__ import annotations

import torch
from torch import Tensor


def halves(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random halves D_W and D_theta of n training images (Algorithm 1).

    Two disjoint int64 tensors (n // 2,) of indices, so that a pass over either has as many batches;
    where n is odd, one image takes no part in the search.
    """
    order = torch.randperm(n, generator=generator)
    half = n // 2
    return order[:half], order[half : 2 * half]


def split_test(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of a training and a test part, in ascending order, split class by class.

    Of each class about `fraction`, but at least one image, is for the test, and at least one stays.
    """
    generator = torch.Generator().manual_seed(seed)
    is_test = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(int(labels.max()) + 1):
        members = (labels == label).nonzero().squeeze(1)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        is_test[members[torch.randperm(len(members), generator=generator)[:count]]] = True
    return (~is_test).nonzero().squeeze(1), is_test.nonzero().squeeze(1)
