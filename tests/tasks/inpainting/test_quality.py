"""PSNR and SSIM against scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pdas.tasks.inpainting.quality import Quality, joined, quality


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
    found = quality(restored, whole)
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
    found = quality(image, image)
    assert float(found.psnr) == 100 and float(found.ssim) == pytest.approx(1)


def test_the_summary_is_of_means_and_deviations() -> None:
    values = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    found = Quality(values, values / 10)
    deviation = np.std([1, 2, 6])
    assert found.summary() == pytest.approx(
        {"psnr": 3, "psnr_std": deviation, "ssim": 0.3, "ssim_std": deviation / 10}
    )
    assert found[values > 1].summary()["psnr"] == 4


def test_batches_are_joined() -> None:
    restored, clean = torch.rand(2, 7, 3, 12, 12)
    parts = [quality(*part) for part in zip(restored.split(3), clean.split(3), strict=True)]
    assert torch.equal(joined(parts).ssim, quality(restored, clean).ssim)
    assert torch.equal(joined(parts).psnr, quality(restored, clean).psnr)
