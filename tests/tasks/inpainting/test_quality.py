"""PSNR and SSIM against scikit-image's, and against sums written out pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pdas.data.masks import MASKS
from pdas.tasks.inpainting.quality import Quality, joined, quality

NOTHING = torch.zeros((), dtype=torch.bool)  # is hidden


def nothing_hidden(images: torch.Tensor) -> torch.Tensor:
    return NOTHING.expand(len(images), 1, *images.shape[2:])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(11, 11), (32, 32), (33, 20)])
@pytest.mark.parametrize("noise", [0.02, 0.3, 2.0])
def test_psnr_and_ssim_are_those_of_scikit_image(
    channels: int, size: tuple[int, int], noise: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.linspace(0, 1, size[1]).expand(4, channels, *size)
    whole = (smooth + 0.1 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)
    restored = whole + noise * torch.randn(smooth.shape, generator=generator)
    found = quality(restored, whole, nothing_hidden(whole))
    for i in range(4):
        true, given = whole[i].double().numpy(), np.clip(restored[i].double().numpy(), 0, 1)
        psnr = peak_signal_noise_ratio(true, given, data_range=1)
        ssim = structural_similarity(
            true,
            given,
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert float(found.psnr[i]) == pytest.approx(psnr, abs=1e-4)
        assert float(found.ssim[i]) == pytest.approx(ssim, abs=1e-4)


def test_equal_images_are_perfect() -> None:
    image = torch.rand(1, 3, 16, 16)
    for hidden in (nothing_hidden(image), ~nothing_hidden(image)):
        found = quality(image, image, hidden)
        assert [float(value) for value in vars(found).values()] == [100, 100, 100, 1, 1]


def by_pixel(
    restored: np.ndarray, clean: np.ndarray, hidden: np.ndarray
) -> tuple[float, float, float, np.ndarray]:
    """The raw, composited and hidden PSNR of an image `(C, H, W)`, and its composited pixels."""
    raw, known_copied, of_hidden = [], [], []
    filled = np.empty_like(clean)
    for c, y, x in np.ndindex(clean.shape):
        value = min(max(restored[c, y, x], 0.0), 1.0)
        raw.append((value - clean[c, y, x]) ** 2)
        filled[c, y, x] = value if hidden[0, y, x] else clean[c, y, x]
        known_copied.append((filled[c, y, x] - clean[c, y, x]) ** 2)
        if hidden[0, y, x]:
            of_hidden.append(raw[-1])
    psnrs = [-10 * math.log10(sum(e) / len(e)) for e in (raw, known_copied, of_hidden)]
    return psnrs[0], psnrs[1], psnrs[2], filled


@pytest.mark.parametrize("mask", sorted(MASKS))
@pytest.mark.parametrize("channels", [1, 3])
def test_composited_and_hidden_are_those_of_single_pixels(mask: str, channels: int) -> None:
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(4, channels, 14, 13, generator=generator)
    restored = clean + 0.3 * torch.randn(clean.shape, generator=generator)
    hidden = MASKS[mask](clean, generator)
    found = quality(restored, clean, hidden)
    for i in range(4):
        image, true, where = restored[i].double().numpy(), clean[i].double().numpy(), hidden[i]
        raw, known_copied, of_hidden, filled = by_pixel(image, true, where.numpy())
        assert float(found.psnr[i]) == pytest.approx(raw, abs=1e-9)
        assert float(found.psnr_composited[i]) == pytest.approx(known_copied, abs=1e-9)
        assert float(found.psnr_hidden[i]) == pytest.approx(of_hidden, abs=1e-9)
        whole = quality(torch.from_numpy(filled)[None], clean[i : i + 1], hidden[i : i + 1])
        assert float(found.ssim_composited[i]) == pytest.approx(float(whole.ssim), abs=1e-9)
        assert known_copied > raw


def test_an_error_in_known_pixels_alone_is_seen_in_the_raw_image_alone() -> None:
    clean = torch.rand(1, 3, 12, 12)
    hidden = MASKS["half"](clean, torch.Generator().manual_seed(0))
    found = quality(torch.where(hidden, clean, 1 - clean), clean, hidden)
    assert float(found.psnr) < 20 and float(found.ssim) < 1
    assert float(found.psnr_composited) == float(found.psnr_hidden) == 100
    assert float(found.ssim_composited) == 1


def test_the_summary_is_of_means_and_deviations() -> None:
    values = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    names = ("psnr", "psnr_composited", "psnr_hidden", "ssim", "ssim_composited")
    found = Quality(*(values * factor for factor in range(1, 6)))
    expected = {name: 3.0 * factor for factor, name in enumerate(names, start=1)}
    deviations = {f"{name}_std": np.std([1, 2, 6]) * i for i, name in enumerate(names, start=1)}
    assert found.summary() == pytest.approx(expected | deviations)
    assert found[values > 1].summary()["psnr"] == 4


def test_batches_are_joined() -> None:
    restored, clean = torch.rand(2, 7, 3, 12, 12)
    hidden = MASKS["pixel"](clean, torch.Generator().manual_seed(0))
    batches = zip(restored.split(3), clean.split(3), hidden.split(3), strict=True)
    found, whole = joined([quality(*part) for part in batches]), quality(restored, clean, hidden)
    for name, values in vars(whole).items():
        assert torch.equal(getattr(found, name), values)
