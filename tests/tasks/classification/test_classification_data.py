"""The images of a recipe: what is split, what is augmented, and what the statistics come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from pdas.data.batches import Batches
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.support.errors import SettingError
from pdas.tasks.base import TASKS
from pdas.tasks.classification.data import ClassificationData
from pdas.tasks.classification.recipe import ClassificationRecipe
from pdas.tasks.classification.task import ClassificationTask

CPU = torch.device("cpu")


def digits(seed: int = 0, **settings: Any) -> ClassificationData:
    plain = {"name": "digits", "pad": 0, "flip": False, "cutout": 0}
    return ClassificationData.load(
        LabelledDataSettings(**plain | {"split_seed": seed} | settings), None, CPU
    )


def pixels(batches: Batches) -> set[bytes]:
    return {image.numpy().tobytes() for images, _ in batches for image in images}


def raw(data: ClassificationData, part: str, count: int = 359) -> set[bytes]:
    images, _ = next(getattr(data.images, part).batches([torch.arange(count)]))
    return {image.numpy().tobytes() for image in data.standardise(images)}


def test_the_halves_share_no_image_and_none_is_of_the_test() -> None:
    data = digits()
    first, second = (pixels(batches) for batches in data.search_batches(719, 0))
    assert len(first) == len(second) == 719
    assert not first & second
    assert not (first | second) & pixels(data.test_batches())


def test_training_is_augmented_and_the_test_is_not() -> None:
    for change in ({"pad": 2}, {"cutout": 3}):
        data = digits(**change)
        originals = pixels(data._training_batches(data.images.train, 1438, torch.Generator()))
        assert pixels(data.test_batches()) == raw(data, "test")
        whole = raw(digits(), "train")
        for batches in (*data.search_batches(300, 0), data.training_batches(300, 0)):
            assert len(pixels(batches) - whole) > 200
            assert pixels(batches) != pixels(batches)  # drawn anew in every pass
        assert originals != whole


def test_the_retraining_reads_the_training_images_and_all_of_them() -> None:
    data = digits()
    found = pixels(data.training_batches(1438, 0))
    assert found == raw(data, "train", 1438)
    assert not found & pixels(data.test_batches())


def test_the_test_is_read_in_order_and_whole() -> None:
    data = digits()
    labels = torch.cat([labels for _, labels in data.test_batches(100)])
    assert torch.equal(labels, data.images.test.labels)


def test_the_statistics_are_those_of_the_training_images_in_use() -> None:
    data = digits(train_images=50)
    images, _ = next(data.images.train.batches([torch.arange(50)]))
    assert len(data.images.train) == 50
    assert data.standardise.mean[0] == pytest.approx(float((images / 255).double().mean()))
    std = (images.double() / 255).std(correction=0)
    assert data.standardise.std[0] == pytest.approx(float(std))


def test_the_images_in_use_are_drawn_by_the_seed() -> None:
    def labels(seed: int) -> list[int]:
        return digits(seed, train_images=50, test_fraction=0.2).images.train.labels.tolist()

    assert labels(0) == labels(0) != labels(1)
    assert len(set(labels(0))) > 5  # not the first of the file, nor of a class
    everything = load_images(LabelledDataSettings(name="digits")).train
    assert len(digits(train_images=5000).images.train) == len(everything)


def test_a_batch_larger_than_half_the_images_is_refused() -> None:
    data = digits(train_images=100)
    data.search_batches(50, 0)
    data.training_batches(100, 0)
    with pytest.raises(SettingError, match=r"^search\.batch_size: found 51, expected 1 to 50, "):
        data.search_batches(51, 0)
    with pytest.raises(SettingError, match=r"^retrain\.batch_size: found 101, expected 2 to 100,"):
        data.training_batches(101, 0)


def test_images_too_small_are_refused(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(4):
            Image.fromarray(np.full((7, 7), 50 * i, np.uint8)).save(tmp_path / label / f"{i}.png")
    plain = {"pad": 0, "cutout": 0}
    recipe = ClassificationRecipe.model_validate(
        {
            "name": "any",
            "data": {"name": "folder", "image_size": 7} | plain,
            "retrain": {"batch_size": 2},
        }
    )
    task = TASKS["classification"].open(recipe, tmp_path, CPU)
    with pytest.raises(SettingError, match="found 7x7, expected at least 8x8"):
        task.check_retraining(None)


def test_the_loss_is_the_cross_entropy_and_the_accuracy_the_share_of_hits() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    labels = torch.tensor([0, 1, 1])
    task = ClassificationTask(ClassificationRecipe(name="any"), digits())
    measured = task.loss(lambda images: images, (logits, labels))
    chosen = F.softmax(logits, 1)[torch.arange(3), labels]
    assert float(measured["loss"]) == pytest.approx(float(-chosen.log().mean()))
    assert float(measured["accuracy"]) == pytest.approx(2 / 3)
