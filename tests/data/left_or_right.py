"""A data set of a stranger: a bright square on dark, to the left or to the right.

It is no part of the package. Importing it registers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdas.data.base import SETS, DataSet, Form, Request

if TYPE_CHECKING:
    from pdas.data.images import ImageData

CLASSES = ("left", "right")
SIZE, SIDE = 16, 4


def read(request: Request) -> ImageData:
    """160 training and 40 test images, always the same."""
    import torch

    from pdas.data.reading import from_arrays

    generator = torch.Generator().manual_seed(0)
    n = 200
    labels = torch.arange(n) % len(CLASSES)
    tops = torch.randint(SIZE - SIDE + 1, (n,), generator=generator)
    lefts = torch.randint(SIZE // 2 - SIDE + 1, (n,), generator=generator) + labels * SIZE // 2
    images = torch.randint(0, 50, (n, 1, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    for image, top, left in zip(images, tops.tolist(), lefts.tolist(), strict=True):
        image[:, top : top + SIDE, left : left + SIDE] += 200
    return from_arrays(request, (images[:160], labels[:160]), (images[160:], labels[160:]), CLASSES)


SETS.add("left-or-right", DataSet(read=read, labelled=Form(), restoration=Form(32, 1)))
