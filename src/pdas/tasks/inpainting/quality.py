"""How near restored images are to the true ones: PSNR and SSIM, image by image (section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM's Gaussian window
LARGEST_PSNR = 100.0  # dB


@dataclass(frozen=True)
class Quality:
    """PSNR in dB and SSIM of N images, float64 `(N,)` each, on the CPU.

    Example:
        quality(restored, clean).summary()["psnr"]
    """

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
    """PSNR with peak 1, and SSIM.

    SSIM is that of Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", 2004: an 11x11 Gaussian window of sigma 1.5, population covariance, the mean over
    channels and over the positions of a whole window. PSNR is at most 100 dB, that of equal images,
    so that means stay finite.

    Args:
        restored: images `(N, C, H, W)`, H and W at least 11; they are clipped to [0, 1] first.
        clean: the true images, values in [0, 1].

    Returns:
        The quality of each image.
    """
    from torchmetrics.functional.image import (  # slow to import
        peak_signal_noise_ratio,
        structural_similarity_index_measure,
    )

    restored, clean = restored.cpu().double().clamp(0, 1), clean.cpu().double()
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
    return Quality(psnr.clamp(max=LARGEST_PSNR), ssim)


def joined(parts: Sequence[Quality]) -> Quality:
    """The quality of several batches as one."""
    return Quality(torch.cat([q.psnr for q in parts]), torch.cat([q.ssim for q in parts]))
