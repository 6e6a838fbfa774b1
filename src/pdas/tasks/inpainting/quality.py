"""How near restored images are to the true ones: PSNR and SSIM, image by image (section 4.2).

Each is measured in up to three ways: of the raw image as a network gives it; composited, with the
known pixels as they were given; and of the hidden pixels alone. The paper's figures are raw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM's Gaussian window
LARGEST_PSNR = 100.0  # dB


@dataclass(frozen=True)
class Quality:
    """How near N images are to the true ones, float64 `(N,)` each, on the CPU.

    Attributes:
        psnr, ssim: of the raw images; PSNR in dB.
        psnr_composited, ssim_composited: with the known pixels as they were given.
        psnr_hidden: over the hidden pixels alone.

    Example:
        quality(restored, clean, hidden).summary()["psnr"]
    """

    psnr: Tensor
    psnr_composited: Tensor
    psnr_hidden: Tensor
    ssim: Tensor
    ssim_composited: Tensor

    def __getitem__(self, chosen: Tensor) -> Quality:
        return Quality(**{name: values[chosen] for name, values in vars(self).items()})

    def summary(self) -> dict[str, float]:
        """Means and standard deviations over the images, as "psnr" and "psnr_std"."""
        found: dict[str, float] = {}
        for name, values in vars(self).items():
            found[name] = float(values.mean())
            found[f"{name}_std"] = float(values.std(correction=0))
        return found


def composited(restored: Tensor, clean: Tensor, hidden: Tensor) -> Tensor:
    """Restored pixels where they were hidden, the given ones elsewhere.

    Args:
        restored: images `(N, C, H, W)`.
        clean: the true images, of the same shape.
        hidden: bool `(N, 1, H, W)`.
    """
    return torch.where(hidden, restored, clean)


def quality(restored: Tensor, clean: Tensor, hidden: Tensor) -> Quality:
    """PSNR with peak 1, and SSIM.

    SSIM is that of Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", 2004: an 11x11 Gaussian window of sigma 1.5, population covariance, the mean over
    channels and over the positions of a whole window. PSNR is at most 100 dB, that of equal images,
    so that means stay finite. It is also that of the hidden pixels where none is hidden.

    Args:
        restored: images `(N, C, H, W)`, H and W at least 11; they are clipped to [0, 1] first.
        clean: the true images, values in [0, 1].
        hidden: bool `(N, 1, H, W)`, True where a pixel was hidden.

    Returns:
        The quality of each image.
    """
    restored, clean, hidden = (
        restored.cpu().double().clamp(0, 1),
        clean.cpu().double(),
        hidden.cpu(),
    )
    filled = composited(restored, clean, hidden)
    error = (filled - clean).square().mean((1, 2, 3))  # known pixels have none
    share = hidden.double().mean((1, 2, 3)).clamp(min=torch.finfo(torch.float64).tiny)
    return Quality(
        psnr=_psnr((restored - clean).square().mean((1, 2, 3))),
        psnr_composited=_psnr(error),
        psnr_hidden=_psnr(error / share),
        ssim=_ssim(restored, clean),
        ssim_composited=_ssim(filled, clean),
    )


def _psnr(error: Tensor) -> Tensor:
    """The PSNR of mean squared errors, with peak 1."""
    return (-10 * error.log10()).clamp(max=LARGEST_PSNR)


def _ssim(images: Tensor, clean: Tensor) -> Tensor:
    from torchmetrics.functional.image import structural_similarity_index_measure  # slow to import

    _, similarity = structural_similarity_index_measure(
        images,
        clean,
        sigma=SIGMA,
        kernel_size=WINDOW,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    # Only where the window lies within the image: torchmetrics' own mean has the mirrored margin.
    margin = WINDOW // 2
    return similarity[:, :, margin:-margin, margin:-margin].mean((1, 2, 3))


def joined(parts: Sequence[Quality]) -> Quality:
    """The quality of several batches as one."""
    names = [field.name for field in fields(Quality)]
    return Quality(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})
