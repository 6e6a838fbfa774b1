"""Which images go where: the two halves of the search, and a test part split off."""

from __future__ import annotations

import torch
from torch import Tensor


def halves(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random halves D_W and D_theta of the training images (Algorithm 1).

    Where n is odd, one image takes no part in the search, so that a pass over either half has as
    many batches.

    Args:
        n: training images.
        generator: draws one permutation.

    Returns:
        Two disjoint int64 tensors (n // 2,) of indices.
    """
    order = torch.randperm(n, generator=generator, device="cpu")
    half = n // 2
    return order[:half], order[half : 2 * half]


def share_of_classes(labels: Tensor, share: float, seed: int) -> Tensor:
    """A share of the images of each class, drawn at random; at least two, for either half.

    Args:
        labels: int64 (N,), from 0.
        share: of each class, above 0.
        seed: draws them.

    Returns:
        Their indices, int64, ascending.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator, device="cpu")
    # The images class by class, at random within each: a stable sort keeps their order.
    by_class = order[labels[order].argsort(stable=True)]
    counts = torch.bincount(labels)
    wanted = (share * counts).round().long().clamp(min=2).minimum(counts)
    starts = counts.cumsum(0) - counts
    place = torch.arange(len(labels), device="cpu") - starts.repeat_interleave(counts)
    return by_class[place < wanted.repeat_interleave(counts)].sort().values


def split_test(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Split images into a training and a test part, class by class.

    Of each class about `fraction` is for the test, but at least one image, and at least one stays.

    Args:
        labels: int64 (N,), from 0.
        fraction: of the test part.
        seed: draws the split.

    Returns:
        The indices of the training and of the test images, int64, ascending.
    """
    generator = torch.Generator().manual_seed(seed)
    is_test = torch.zeros(len(labels), dtype=torch.bool, device="cpu")
    # One permutation for each class, in the order of the labels.
    for label in range(int(labels.max()) + 1):
        members = (labels == label).nonzero().squeeze(1)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        is_test[
            members[torch.randperm(len(members), generator=generator, device="cpu")[:count]]
        ] = True
    return (~is_test).nonzero().squeeze(1), is_test.nonzero().squeeze(1)
