"""How near restored images are to the true ones: PSNR and SSIM, image by image (section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM's Gaussian window
LARGEST_PSNR = 100.0  # dB
PART = 64  # images at a time, since SSIM takes ten times their memory


@dataclass(frozen=True)
class Quality:
    """PSNR in dB and SSIM of N images, float64 `(N,)` each, on the CPU."""

    psnr: Tensor
    ssim: Tensor

    def __getitem__(self, chosen: Tensor) -> Quality:
        return Quality(self.psnr[chosen], self.ssim[chosen])

    def summary(self) -> dict[str, float]:
        """Means and standard deviations over the images."""
        return {
            "psnr": float(self.psnr.mean()),
            "psnr_std": float(self.psnr.std(correction=0)),
            "ssim": float(self.ssim.mean()),
            "ssim_std": float(self.ssim.std(correction=0)),
        }


def quality(restored: Tensor, clean: Tensor) -> Quality:
    """PSNR (peak 1) and SSIM of images `(N, C, H, W)`; the restored are clipped to [0, 1] first.

    SSIM as Wang et al. 2004: an 11x11 Gaussian window of sigma 1.5, population covariance, mean
    over channels and the places of a whole window; H and W are at least 11. PSNR is at most 100 dB,
    that of equal images, so that means stay finite.
    """
    parts = zip(torch.split(restored, PART), torch.split(clean, PART), strict=True)
    psnr, ssim = zip(*(_of_part(*part) for part in parts), strict=True)
    return Quality(torch.cat(psnr).cpu(), torch.cat(ssim).cpu())


def _of_part(restored: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    restored, clean = restored.double().clamp(0, 1), clean.double()
    psnr = peak_signal_noise_ratio(restored, clean, data_range=1.0, reduction="none", dim=(1, 2, 3))
    _, similarity = structural_similarity_index_measure(
        restored,
        clean,
        sigma=SIGMA,
        kernel_size=WINDOW,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    # Only where the window lies within the image: torchmetrics' own mean has the mirrored margin.
    margin = WINDOW // 2
    ssim = similarity[:, :, margin:-margin, margin:-margin].mean((1, 2, 3))
    return psnr.clamp(max=LARGEST_PSNR), ssim
