"""Which images go where: the two halves of the search, and a test part split off."""

from __future__ import annotations

import torch
from torch import Tensor

from pdas.errors import SettingError


def halves(data: Tensor | int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random halves D_W and D_theta of the training data (Algorithm 1).

    Both have n // 2 indices, so that a pass over either has as many batches; where n is odd, one
    image takes no part in the search.

    Args:
        data: the number n of images, or their labels (n,).
        generator: draws the permutation.

    Returns:
        Two disjoint int64 tensors (n // 2,) of indices.
    """
    n = data if isinstance(data, int) else len(data)
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


def check_batch_size(batch_size: int, half_size: int, setting: str = "search.batch_size") -> None:
    """Raise SettingError if a half of the training data does not fill one batch."""
    if not 1 <= batch_size <= half_size:
        raise SettingError(
            f"{setting}={batch_size}, but a half of the training data has {half_size} images: "
            f"set {setting} between 1 and {half_size}, or give more images"
        )
