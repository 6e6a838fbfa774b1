"""Near-duplicates: photographs changed as people change them are found, other ones are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pdas.data.checking.duplicates import NEAR_BITS, Thumbnails, near_duplicates
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings, RestorationDataSettings

SIZE = 64


def photographs() -> list[Image.Image]:
    """Squares of one photograph that do not overlap."""
    data = load_images(RestorationDataSettings(name="photos", crops=1, image_size=SIZE))
    (images, _), *_ = data.test.batches([torch.arange(20)])
    return [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]


def as_tensor(images: list[Image.Image], size: int = 32) -> Tensor:
    arrays = [np.array(image.convert("RGB").resize((size, size))) for image in images]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)


def found(train: list[Image.Image], test: list[Image.Image], size: int = 32) -> dict[int, int]:
    return near_duplicates(
        Thumbnails.of(as_tensor(train, size)), Thumbnails.of(as_tensor(test, size))
    )


def as_jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=40)
    return Image.open(file)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "equal": lambda image: image,
    "compressed": as_jpeg,
    "smaller": lambda image: image.resize((40, 40)),
    "larger": lambda image: image.resize((150, 150)),
    "brighter": lambda image: image.point(lambda value: min(int(value * 1.06), 255)),
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found(change: Callable[[Image.Image], Image.Image], size: int) -> None:
    images = photographs()
    copies = [change(images[i]) for i in (3, 11)]
    assert found(images[:15], [*images[15:], *copies], size) == {5: 3, 6: 11}


def test_other_images_are_none() -> None:
    images = photographs()
    assert found(images[:10], images[10:]) == {}
    mirrored = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images]
    assert found(images, mirrored) == {}


def test_constant_images_are_in_no_pair() -> None:
    images = [Image.new("RGB", (8, 8), (level,) * 3) for level in (0, 0, 200)]
    assert found(images, images) == {}


def test_small_pictures_of_one_kind_are_no_duplicates() -> None:
    """All handwritten zeros have nearly the same hash."""
    data = load_images(LabelledDataSettings(name="digits"))
    train, test = (
        Thumbnails.of(next(iter(source.batches([torch.arange(len(source))])))[0])
        for source in (data.train, data.test)
    )
    alike = np.bitwise_count(test.hashes[:, None] ^ train.hashes).min(1) <= NEAR_BITS
    assert alike.mean() > 0.5 and near_duplicates(train, test) == {}
