"""Colour jitter of batches against torchvision's of single images."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import functional as T

from pdas.data.augment import Augment
from pdas.data.views.jitter import CHANGES, Jitter
from pdas.data.views.standardise import Standardise

REFERENCES = (T.adjust_brightness, T.adjust_contrast, T.adjust_saturation, T.adjust_hue)


def images(count: int = 8, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (count, channels, 9, 7)
    batch = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    batch[0] = batch[0, :1]  # grey
    batch[1] = 255
    batch[2] = 0
    return batch


@pytest.mark.parametrize("index", range(4))
def test_each_change_is_that_of_torchvision(index: int) -> None:
    batch = images().float()
    factors = torch.linspace(0.1, 1.9, 8) if index < 3 else torch.linspace(-0.5, 0.5, 8)
    found = CHANGES[index](batch, factors.view(-1, 1, 1, 1))
    for image, factor, changed in zip(batch / 255, factors, found / 255, strict=True):
        expected = REFERENCES[index](image, float(factor))
        torch.testing.assert_close(changed, expected, atol=2e-3, rtol=0)


def test_all_four_are_done_in_the_order_that_is_drawn() -> None:
    jitter, draws = Jitter(0.4, 0.4, 0.4, 0.2), torch.rand(8, 4)
    factors = 1 + (2 * draws - 1) * torch.tensor([0.4, 0.4, 0.4, 0.2]) - torch.tensor([0, 0, 0, 1])
    found = jitter(images(), draws, [2, 0, 3, 1])
    for i, image in enumerate(images().float() / 255):
        for index in (2, 0, 3, 1):
            image = REFERENCES[index](image, float(factors[i, index]))
        torch.testing.assert_close(found[i] / 255, image, atol=5e-3, rtol=0)


def test_nothing_is_changed_by_nothing() -> None:
    assert not Jitter() and Jitter(hue=0.1)
    batch = images()
    found = Jitter(0.4, 0.4, 0.4, 0.2)(batch, torch.full((8, 4), 0.5), [0, 1, 2, 3])
    torch.testing.assert_close(found, batch.float(), atol=1e-3, rtol=0)


def test_grey_images_change_in_brightness_and_contrast_alone() -> None:
    batch, draws = images(channels=1), torch.rand(8, 4)
    found = Jitter(0.4, 0.4, 0.4, 0.2)(batch, draws, [0, 1, 2, 3])
    assert torch.equal(found, Jitter(0.4, 0.4)(batch, draws, [0, 1, 2, 3]))
    assert not torch.equal(found, batch.float())


def test_it_is_a_part_of_the_augmentation_and_keeps_the_type_of_the_batch() -> None:
    augment = Augment(pad=0, flip=False, cutout=0, jitter=Jitter(0.4, 0.4, 0.4, 0.2))
    batch, unit = images(), Standardise((0.0,) * 3, (1.0,) * 3)
    found = augment(batch, torch.Generator().manual_seed(1))
    assert found.dtype == torch.uint8 and not torch.equal(found, batch)
    scaled = augment(batch, torch.Generator().manual_seed(1), unit)
    torch.testing.assert_close(255 * scaled, found.float(), atol=0.5, rtol=0)


def test_without_it_nothing_more_is_drawn() -> None:
    first, second = (torch.Generator().manual_seed(1) for _ in range(2))
    Augment(pad=2, cutout=2)(images(), first)
    Augment(pad=2, cutout=2, jitter=Jitter())(images(), second)
    assert torch.equal(first.get_state(), second.get_state())
