"""Crop, flip and cutout against per-image definitions, and the distribution of what is drawn."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor
from torchvision.transforms.v2 import functional as T

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.images import MemoryImages
from pdas.data.views.jitter import Jitter
from pdas.data.views.standardise import Standardise, channel_statistics
from pdas.support.errors import SettingError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(n: int, channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    shape = (n, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(seed))


def crops(image: Tensor, pad: int) -> dict[tuple[int, int, bool], Tensor]:
    """All results that torchvision's pad, crop and flip can have for one image."""
    height, width = image.shape[1:]
    padded = T.pad(image, [pad] * 4, fill=0)
    found = {}
    for top in range(2 * pad + 1):
        for left in range(2 * pad + 1):
            crop = T.crop(padded, top, left, height, width)
            found[top, left, False] = crop
            found[top, left, True] = T.horizontal_flip(crop)
    return found


def cutout_by_definition(image: np.ndarray, side: int, y: int, x: int) -> np.ndarray:
    """The reference code of DeVries & Taylor, for one (C, H, W) image and a given centre."""
    height, width = image.shape[1:]
    mask = np.ones((height, width), np.float32)
    y1, y2 = np.clip(y - side // 2, 0, height), np.clip(y + side // 2, 0, height)
    x1, x2 = np.clip(x - side // 2, 0, width), np.clip(x + side // 2, 0, width)
    mask[y1:y2, x1:x2] = 0.0
    return image * mask


@given(
    shape=st.tuples(
        st.integers(1, 6), st.sampled_from([1, 3]), st.integers(4, 9), st.integers(4, 9)
    ),
    pad=st.integers(0, 3),
    flip=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_each_image_becomes_one_of_its_crops(
    shape: tuple[int, int, int, int], pad: int, flip: bool, seed: int
) -> None:
    batch = random_images(*shape, seed=seed)
    result = Augment(pad=pad, flip=flip, cutout=0)(batch, generator(seed))
    assert result.dtype == torch.uint8
    for image, changed in zip(batch, result, strict=True):
        possible = crops(image, pad).items()
        assert any(
            torch.equal(crop, changed)
            for (_, _, mirrored), crop in possible
            if flip or not mirrored
        )


def test_crops_and_flips_are_uniform_and_drawn_for_each_image() -> None:
    image = random_images(1, 3, 6, 6)
    result = Augment(pad=2, flip=True, cutout=0)(image.repeat(5000, 1, 1, 1), generator())
    drawn = Counter(changed.numpy().tobytes() for changed in result)
    assert drawn.keys() == {crop.numpy().tobytes() for crop in crops(image[0], pad=2).values()}
    assert len(drawn) == 5 * 5 * 2
    assert chisquare(list(drawn.values())).pvalue > 1e-3


@pytest.mark.parametrize("side", [2, 4, 8])
def test_cutout_follows_the_reference_with_uniform_centres(side: int) -> None:
    height, width = 7, 9
    image = random_images(1, 2, height, width)[0].float() + 1  # no zeros of its own
    result = Augment(pad=0, flip=False, cutout=side)(image.repeat(6000, 1, 1, 1), generator())
    expected: dict[bytes, list[tuple[int, int]]] = {}  # centres of one result: clipped alike
    for y in range(height):
        for x in range(width):
            cut = cutout_by_definition(image.numpy(), side, y, x)
            expected.setdefault(cut.tobytes(), []).append((y, x))
    drawn = Counter(changed.numpy().tobytes() for changed in result)
    assert drawn.keys() == expected.keys()
    share = np.array([len(centres) for centres in expected.values()]) / (height * width)
    counts = [drawn[cut] for cut in expected]
    assert chisquare(counts, share * len(result)).pvalue > 1e-3


def test_cutout_of_an_odd_side_covers_that_many_pixels_inside() -> None:
    result = Augment(pad=0, flip=False, cutout=3)(torch.ones(500, 1, 16, 16), generator())
    removed = (result == 0).sum((1, 2, 3))
    assert set(removed.tolist()) == {9, 6, 4}  # whole, at a border, in a corner


def test_padding_is_black_and_a_cut_square_is_the_mean() -> None:
    standardise = Standardise(mean=(0.5, 0.25, 0.125), std=(0.5, 0.2, 0.1))
    white = torch.full((200, 3, 8, 8), 255, dtype=torch.uint8)
    result = Augment(pad=2, flip=True, cutout=4)(white, generator(), standardise)
    for channel in range(3):
        black, bright = (standardise(white[:1] * on)[0, channel, 0, 0].item() for on in (0, 1))
        assert set(result[:, channel].unique().tolist()) == {black, bright, 0.0}


def test_all_switched_off_changes_nothing() -> None:
    batch = random_images(3, 1, 8, 8)
    assert torch.equal(Augment(pad=0, flip=False, cutout=0)(batch, generator()), batch)


def test_the_batch_itself_is_left_alone() -> None:
    batch = random_images(8, 3, 8, 8)
    before = batch.clone()
    as_float = batch.float()
    TrainingTransform(Standardise((0.5,) * 3, (0.2,) * 3), Augment(), generator())(batch)
    Augment()(as_float, generator())
    Augment(pad=0, flip=False)(as_float, generator())
    Standardise((0.5,) * 3, (0.2,) * 3)(as_float)
    assert torch.equal(batch, before) and torch.equal(as_float, before.float())


def test_same_seed_same_batch_another_seed_another() -> None:
    batch = random_images(16, 3, 8, 8)
    first, again, other = (Augment(cutout=4)(batch, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_layout_in_memory_does_not_matter() -> None:
    batch = random_images(16, 3, 8, 8)
    last = batch.contiguous(memory_format=torch.channels_last)
    augment = Augment(pad=2, cutout=4)
    assert torch.equal(augment(batch, generator()), augment(last, generator()))


@pytest.mark.parametrize("setting", ["pad", "cutout"])
def test_negative_settings_are_refused(setting: str) -> None:
    message = rf"^data\.{setting}: found -1, expected at least 0; set it to 0 for none$"
    with pytest.raises(SettingError, match=message):
        Augment(**{setting: -1})


@pytest.mark.parametrize("setting", ["pad", "cutout"])
def test_settings_larger_than_the_images_are_refused(setting: str) -> None:
    none = {"pad": 0, "cutout": 0}
    Augment(**none | {setting: 8}).check_size(8)
    message = (
        rf"^data\.{setting}: found 9, expected 0 to 8 \(the images have 8x8 pixels\); lower it$"
    )
    with pytest.raises(SettingError, match=message):
        Augment(**none | {setting: 9}).check_size(8)


def test_standardise_agrees_with_torchvision() -> None:
    batch = random_images(4, 3, 5, 5)
    mean, std = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
    expected = T.normalize(T.to_dtype(batch, torch.float32, scale=True), list(mean), list(std))
    torch.testing.assert_close(Standardise(mean, std)(batch), expected)


def test_standardise_survives_json() -> None:
    standardise = Standardise((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Standardise(**json.loads(json.dumps(asdict(standardise)))) == standardise


def test_standardise_refuses_unequal_lengths() -> None:
    message = r"^mean, std: found \(0\.5, 0\.5\) and \(0\.2,\), expected one mean and one std "
    with pytest.raises(SettingError, match=message):
        Standardise((0.5, 0.5), (0.2,))


def test_channel_statistics_agree_with_numpy() -> None:
    images = random_images(600, 3, 6, 5)
    images[:, 1] //= 3
    statistics = channel_statistics(MemoryImages(images, torch.zeros(600, dtype=torch.int64)))
    values = images.numpy() / 255
    np.testing.assert_allclose(statistics.mean, values.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(statistics.std, values.std((0, 2, 3)), rtol=1e-9)


def test_a_constant_channel_stays_finite() -> None:
    images = random_images(50, 3, 6, 6)
    images[:, 2] = 77
    statistics = channel_statistics(MemoryImages(images, torch.zeros(50, dtype=torch.int64)))
    assert statistics.std[2] == 0
    torch.testing.assert_close(statistics(images)[:, 2], torch.zeros(50, 6, 6))


@pytest.mark.parametrize("jitter", [None, Jitter(brightness=0.4, hue=0.1)])
@pytest.mark.parametrize(
    ("pad", "flip", "cutout"), [(2, True, 4), (0, True, 4), (2, False, 0), (0, False, 4)]
)
def test_what_is_drawn_is_drawn_one_after_the_other(
    pad: int, flip: bool, cutout: int, jitter: Jitter | None
) -> None:
    """Crops, flips, jitter, squares: numbers of one kind for all images, then those of the next."""
    batch = random_images(6, 3, 8, 9)
    one = generator(3)

    def drawn(end: int) -> list[int]:
        return torch.randint(end, (len(batch), 1), generator=one).flatten().tolist()

    none = [0] * len(batch)
    top, left = [drawn(2 * pad + 1) if pad or flip else none for _ in range(2)]
    mirrored = drawn(2) if flip else none
    expected = torch.stack(
        [
            crops(image, pad)[row, column, bool(turned)]
            for image, row, column, turned in zip(batch, top, left, mirrored, strict=True)
        ]
    )
    if jitter is not None:
        factors = torch.rand(len(batch), 4, generator=one)
        order = torch.randperm(4, generator=one).tolist()
        expected = jitter(expected, factors, order).round().to(torch.uint8)
    if cutout:
        rows, columns = drawn(8), drawn(9)
        cut = zip(expected.numpy(), rows, columns, strict=True)
        expected = torch.from_numpy(
            np.stack([cutout_by_definition(image, cutout, y, x) for image, y, x in cut])
        ).to(torch.uint8)
    both = generator(3)
    found = Augment(pad=pad, flip=flip, cutout=cutout, jitter=jitter)(batch, both)
    assert torch.equal(found, expected)
    assert torch.equal(both.get_state(), one.get_state())


def test_a_standardisation_that_was_used_pickles_as_a_new_one() -> None:
    standardise = Standardise((0.5,) * 3, (0.2,) * 3)
    as_new = pickle.dumps(standardise)
    expected = standardise(random_images(2, 3, 4, 4))
    assert pickle.dumps(standardise) == as_new
    assert torch.equal(pickle.loads(as_new)(random_images(2, 3, 4, 4)), expected)
