"""A small data set that does all that the tests of data sets ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pdas.data.base import DataSet, Form, Request
from pdas.data.images import ImageData
from pdas.data.reading import Arrays, from_arrays
from pdas.data.splits import split_test

FILE = "stripes.npy"


def write(folder: Path) -> Path:
    """40 grey images, every other one of horizontal stripes."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (40, 1, 12, 1), dtype=np.uint8).repeat(12, axis=3)
    rows[1::2] = rows[1::2].transpose(0, 1, 3, 2)
    np.save(folder / FILE, rows)
    return folder


class Stripes:
    """Horizontal and vertical stripes in a file."""

    classes: tuple[str, ...] = ("horizontal", "vertical")

    def data_set(self) -> DataSet:
        form = Form()
        return DataSet(
            read=self.read, labelled=form, restoration=form, takes_crops=True, has_test=False
        )

    def read(self, request: Request) -> ImageData:
        images = self.images(request)
        labels = torch.arange(len(images)) % 2
        train, test = self.parts(labels, request)
        train = train.repeat_interleave(self.crops(request))
        return self.converted(request, (images[train], labels[train]), (images[test], labels[test]))

    def images(self, request: Request) -> Tensor:
        file = request.folder(f"a folder with {FILE}") / FILE
        if not file.is_file():
            replace(request, data_dir=file).folder(FILE)
        return torch.from_numpy(np.load(file))

    def parts(self, labels: Tensor, request: Request) -> tuple[Tensor, Tensor]:
        return split_test(labels, request.test_fraction, request.seed)

    def crops(self, request: Request) -> int:
        return request.crops or 1

    def converted(self, request: Request, train: Arrays, test: Arrays) -> ImageData:
        return from_arrays(request, train, test, self.classes)
