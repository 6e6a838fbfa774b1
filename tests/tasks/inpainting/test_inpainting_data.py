"""The batches of inpainting: what is masked, what is fresh, and what is fixed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pdas.data.masks import MaskedBatches, find_mask
from pdas.support.errors import SettingError
from pdas.tasks.inpainting.data import InpaintingData
from pdas.tasks.inpainting.recipe import InpaintingDataSettings

CPU = torch.device("cpu")


def photos(mask: str = "pixel", **settings: Any) -> InpaintingData:
    plain: dict[str, Any] = {"name": "photos", "image_size": 16, "crops": 10}
    return InpaintingData.load(
        InpaintingDataSettings(**plain | settings), find_mask(mask), None, CPU
    )


def images(batches: MaskedBatches) -> set[bytes]:
    return {image.numpy().tobytes() for _, whole in batches for image in whole}


def masks(batches: MaskedBatches) -> Tensor:
    return torch.cat([hidden for _, _, hidden in batches.with_masks()])


def test_the_halves_share_no_image_and_none_is_of_the_test() -> None:
    data = photos(flip=False)
    first, second = (images(batches) for batches in data.search_batches(25, 0))
    assert len(first) == len(second) == 25
    assert not first & second
    assert not (first | second) & images(data.test_batches())
    assert images(data.training_batches(50, 0)) >= first | second


def test_values_are_in_the_unit_interval_and_hidden_pixels_are_black() -> None:
    data = photos()
    for batches in (*data.search_batches(5, 0), data.training_batches(5, 0), data.test_batches()):
        for masked, whole, hidden in batches.with_masks():
            assert whole.min() >= 0 and 0.5 < whole.max() <= 1
            assert torch.equal(masked, torch.where(hidden, 0.0, whole))
            assert whole.is_contiguous() and masked.is_contiguous()


def test_training_masks_are_fresh_and_test_masks_are_fixed() -> None:
    data = photos()
    for batches in (*data.search_batches(25, 0), data.training_batches(50, 0)):
        assert not torch.equal(masks(batches), masks(batches))
    assert torch.equal(masks(data.test_batches()), masks(data.test_batches()))
    assert not torch.equal(masks(data.test_batches()), masks(photos(split_seed=1).test_batches()))


def test_training_images_are_mirrored_and_test_images_are_not() -> None:
    plain, flipped = photos(flip=False), photos(flip=True)
    assert images(plain.training_batches(50, 0)) == images(plain.training_batches(50, 1))
    assert images(flipped.training_batches(50, 0)) != images(plain.training_batches(50, 0))
    assert images(flipped.test_batches()) == images(plain.test_batches())


def test_part_of_the_images_is_drawn_by_the_split_seed() -> None:
    data = photos(train_images=20, test_images=9)
    assert (len(data.images.train), len(data.images.test)) == (20, 9)
    assert images(data.test_batches()) == images(photos(test_images=9).test_batches())


def test_a_batch_that_does_not_fit_is_refused() -> None:
    data = photos()
    with pytest.raises(SettingError, match=r"^search\.batch_size: found 26, expected 1 to 25"):
        data.search_batches(26, 0)
    with pytest.raises(SettingError, match=r"^retrain\.batch_size: found 51, expected 1 to 50"):
        data.training_batches(51, 0)
