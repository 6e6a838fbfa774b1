"""Whole batches of which each rank decodes its share.

In a search all ranks see the same images. They are decoded once: each rank sends the pixels that it
has decoded to the others. What is drawn for an image is drawn by its index or for the whole batch,
so a batch is the same to the last bit, whoever decodes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from pdas.data.disk import DiskImages
from pdas.data.images import ImageSource, Subset
from pdas.data.views.areas import RandomAreas
from pdas.distributed.ranks import Ranks
from pdas.distributed.transfer import moved


def is_decoded(source: ImageSource) -> bool:
    """Whether images are decoded whenever they are asked for."""
    return isinstance(source.source if isinstance(source, Subset) else source, DiskImages)


def read_in_shares(
    source: ImageSource,
    ranks: Ranks,
    order: Iterable[Tensor],
    device: torch.device | str,
    areas: RandomAreas | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """As `source.batches`, with a message for each batch; all ranks have to take the same batches.

    Args:
        source: the images, the same on all ranks.
        ranks: that share them.
        order: see `ImageSource.batches`, as the further arguments.
        device: where the batches are put.
        areas: of the images.
    """
    parts, labels = list(order), source.labels
    # On the CPU, where a rank that is lost is an error at once.
    own = source.batches([_share(part, ranks) for part in parts], "cpu", areas)
    for part, (images, _) in zip(parts, own, strict=True):
        shares = ranks.stack(images.permute(0, 2, 3, 1).contiguous())
        pixels = shares.flatten(0, 1)[: len(part)].permute(0, 3, 1, 2)
        yield moved(pixels, device), moved(labels[part], device)


def _share(part: Tensor, ranks: Ranks) -> Tensor:
    """The indices that this rank decodes: as many on each, so at the end of a batch some twice."""
    count = -(-len(part) // ranks.size)
    first = ranks.index * count
    return part[torch.arange(first, first + count, device="cpu").clamp(max=len(part) - 1)]
