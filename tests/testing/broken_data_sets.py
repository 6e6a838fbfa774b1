"""Data sets with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from striped_images import FILE, Stripes, write
from torch import Tensor

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.images import ImageData, MemoryImages, digest
from pdas.data.reading import Arrays
from pdas.testing import DataSetTests


class ServesNoUse(Stripes):
    """test_it_serves_a_use"""

    def data_set(self) -> DataSet:
        return replace(super().data_set(), labelled=None, restoration=None)


class HasAnotherForm(Stripes):
    """test_images_have_the_form_of_the_set"""

    def data_set(self) -> DataSet:
        return replace(super().data_set(), labelled=Form(10, 1))

    def read(self, request: Request) -> ImageData:
        return super().read(replace(request, image_size=request.image_size and 11))


class KeepsItsSize(Stripes):
    """test_images_are_converted"""

    def converted(self, request: Request, train: Arrays, test: Arrays) -> ImageData:
        return super().converted(replace(request, image_size=None), train, test)


class CountsClassesFromOne(Stripes):
    """test_labels_are_of_classes"""

    def converted(self, request: Request, train: Arrays, test: Arrays) -> ImageData:
        return super().converted(request, (train[0], train[1] + 1), (test[0], test[1] + 1))


class HasAClassWithoutImages(Stripes):
    """test_labels_are_of_classes"""

    classes = (*Stripes.classes, "diagonal")


class TestsOnTrainingImages(Stripes):
    """test_no_test_image_is_trained_on"""

    __test__ = False

    def parts(self, labels: Tensor, request: Request) -> tuple[Tensor, Tensor]:
        _, test = super().parts(labels, request)
        return torch.arange(len(labels)), test


class DrawsFromTheGlobalGenerator(Stripes):
    """test_the_seed_decides_which_images"""

    def parts(self, labels: Tensor, request: Request) -> tuple[Tensor, Tensor]:
        order = torch.randperm(len(labels))
        return order[8:], order[:8]


class SaysThatItHasATestPart(Stripes):
    """test_the_test_part_is_its_own_or_held_out"""

    def data_set(self) -> DataSet:
        return replace(super().data_set(), has_test=True)


class HoldsOutTheSame(Stripes):
    """test_the_test_part_is_its_own_or_held_out"""

    def parts(self, labels: Tensor, request: Request) -> tuple[Tensor, Tensor]:
        return super().parts(labels, replace(request, seed=0))


class LosesImages(Stripes):
    """test_the_test_part_is_its_own_or_held_out"""

    def parts(self, labels: Tensor, request: Request) -> tuple[Tensor, Tensor]:
        train, test = super().parts(labels, request)
        return train[::2], test


class IgnoresCrops(Stripes):
    """test_crops_are_so_many_of_each_training_image"""

    def crops(self, request: Request) -> int:
        return 1


class HasAFingerprintOfPixels(Stripes):
    """test_a_fingerprint_is_that_of_the_images_in_any_form"""

    def converted(self, request: Request, train: Arrays, test: Arrays) -> ImageData:
        data = super().converted(request, train, test)
        assert isinstance(data.train, MemoryImages)
        data.train.origin = digest(data.train.images.numpy().tobytes())
        return data


class IgnoresTheMemoryLimit(Stripes):
    """test_more_than_the_memory_limit_is_refused_or_stays_on_disk"""

    def converted(self, request: Request, train: Arrays, test: Arrays) -> ImageData:
        return super().converted(replace(request, memory_limit=10**9), train, test)


class FailsWithoutItsDirectory(Stripes):
    """test_a_missing_directory_is_refused"""

    def images(self, request: Request) -> Tensor:
        assert request.data_dir is not None
        return torch.from_numpy(np.load(request.data_dir / FILE))


class WritesIntoTheDirectory(Stripes):
    """test_nothing_is_downloaded_unasked"""

    def images(self, request: Request) -> Tensor:
        folder = request.folder(FILE)
        return super().images(replace(request, data_dir=write(folder)))


class TestDataSets(DataSetTests):
    @pytest.fixture(params=Stripes.__subclasses__(), ids=lambda kind: kind.__name__)
    def name(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        SETS.names()  # all are there
        monkeypatch.setitem(SETS._found, "stripes", request.param().data_set())
        return "stripes"

    @pytest.fixture
    def data_dir(self, tmp_path: Path) -> Path:
        return write(tmp_path)
