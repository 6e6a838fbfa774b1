"""The embedded photographs: where crops are from, and that none of the test is trained on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn.datasets
import torch
from loading import restoration
from PIL import Image

from pdas.data.images import ImageData, MemoryImages
from pdas.data.sets import photos
from pdas.support.errors import DataError, SettingError

TRAIN = ("chelsea", "coffee", "motorcycle_left", "rocket", "flower")
TEST = ("astronaut", "china")


def photograph(name: str) -> np.ndarray:
    """(H, W, 3), from the packages' folders by another way."""
    if name in ("flower", "china"):
        return np.asarray(sklearn.datasets.load_sample_image(f"{name}.jpg"))
    (path,) = (Path(skimage.__file__).parent / "data").glob(f"{name}.*")
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def load(**settings: object) -> ImageData:
    return restoration("photos", **settings)


def memory(data: ImageData) -> tuple[MemoryImages, MemoryImages]:
    assert isinstance(data.train, MemoryImages) and isinstance(data.test, MemoryImages)
    return data.train, data.test


def test_how_many_and_of_which() -> None:
    data = load()
    assert data.classes == TRAIN + TEST
    assert data.train.image_shape == data.test.image_shape == (3, 64, 64)
    labels = [[data.classes[i] for i in part.labels.tolist()] for part in memory(data)]
    assert Counter(labels[0]) == dict.fromkeys(TRAIN, 400)
    assert Counter(labels[1]) == {"astronaut": 8 * 8, "china": 6 * 10}


def test_test_crops_are_the_grids_of_their_photographs() -> None:
    data = load(crops=1)
    expected = []
    for name in TEST:
        pixels = photograph(name)
        height, width, _ = pixels.shape
        for top in range(0, height - 63, 64):
            for left in range(0, width - 63, 64):
                expected.append(pixels[top : top + 64, left : left + 64].transpose(2, 0, 1))
    assert np.array_equal(memory(data)[1].images.numpy(), np.stack(expected))


def places(image: np.ndarray, photo: np.ndarray) -> int:
    """How often a crop (3, s, s) occurs in a photograph (H, W, 3)."""
    corner = image[:, :8, :8]
    windows = np.lib.stride_tricks.sliding_window_view(photo, corner.shape[1:], axis=(0, 1))
    size = image.shape[1]
    found = np.argwhere((windows == corner).all((2, 3, 4)))
    cuts = (photo[top : top + size, left : left + size] for top, left in found)
    return sum(np.array_equal(cut, image.transpose(1, 2, 0)) for cut in cuts)


def test_training_crops_are_of_their_photographs_and_of_no_test_photograph() -> None:
    train, _ = memory(load(crops=2))
    for image, label in zip(train.images.numpy(), train.labels.tolist(), strict=True):
        assert places(image, photograph(photos.CLASSES[label])) >= 1
        assert photos.CLASSES[label] not in TEST
        for name in TEST:
            assert not places(image, photograph(name))


def test_the_seed_draws_the_training_crops_alone() -> None:
    first, again, other = (memory(load(crops=5, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0].images, again[0].images)
    assert not torch.equal(first[0].images, other[0].images)
    assert torch.equal(first[1].images, other[1].images)


def test_another_size_and_grey() -> None:
    data = load(crops=3, image_size=100, channels=1)
    assert data.train.image_shape == (1, 100, 100)
    assert (len(data.train), len(data.test)) == (15, 5 * 5 + 4 * 6)


def test_crops_larger_than_a_photograph() -> None:
    assert load(crops=1, image_size=300).size == 300
    with pytest.raises(SettingError) as caught:
        load(image_size=301)
    assert str(caught.value) == (
        "data.image_size: found 301, expected at most 300 for photos, the height of the smallest; "
        "lower it"
    )


def test_more_crops_than_memory() -> None:
    with pytest.raises(SettingError, match=r"^data\.image_size: found 300, for which photos takes"):
        load(crops=100_000, image_size=300)


def test_a_package_without_its_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "TRAIN", (("skimage", "data", "nothing.png"),))
    with pytest.raises(DataError, match=r"^photos: found no .*nothing\.png, expected .* anew$"):
        load()
