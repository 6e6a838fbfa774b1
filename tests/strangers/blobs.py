"""A stranger: a data set of images with a number of bright blobs, which is their label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdas.data.base import SETS, DataSet, Form, Request

if TYPE_CHECKING:
    from pdas.data.images import ImageData

MOST = 4
TRAIN, TEST = 160, 40
SIDE = 16


def read(request: Request) -> ImageData:
    """Blobs of 3x3 pixels in the cells of a 4x4 grid, so that no two touch."""
    import torch

    from pdas.data.reading import from_arrays

    generator = torch.Generator().manual_seed(request.seed)
    count = TRAIN + TEST
    labels = torch.arange(count) % (MOST + 1)
    images = torch.zeros(count, 1, SIDE, SIDE, dtype=torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        for place in torch.randperm(16, generator=generator)[:label].tolist():
            row, column = divmod(place, 4)
            image[0, 4 * row : 4 * row + 3, 4 * column : 4 * column + 3] = 255
    names = [str(number) for number in range(MOST + 1)]
    train, test = (images[:TRAIN], labels[:TRAIN]), (images[TRAIN:], labels[TRAIN:])
    return from_arrays(request, train, test, names)


SETS.add("blobs", DataSet(read=read, labelled=Form()))
