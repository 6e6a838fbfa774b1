"""What a restoration is to be measured against: no restoration, and a classical one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from pdas.support.arrays import BoolArray, FloatArray


@contextmanager
def restoring_processes() -> Iterator[None]:
    """The processes of `biharmonic`, which serve all calls within the block, end with it.

    They would live for five minutes more, and a process of a sweep would wait for them.

    Example:
        with restoring_processes():
            restored = [biharmonic(masked, hidden) for masked, hidden in batches]
    """
    try:
        yield
    finally:
        get_reusable_executor().shutdown(kill_workers=True)


def biharmonic(masked: Tensor, hidden: Tensor) -> Tensor:
    """scikit-image's biharmonic inpainting (Damelin & Hoang 2018), on all cores.

    Args:
        masked: `(N, C, H, W)`, values in [0, 1].
        hidden: bool `(N, 1, H, W)`.

    Returns:
        As `masked`; an image that is hidden altogether stays as it is.
    """
    images = masked.permute(0, 2, 3, 1).cpu().double().numpy()
    masks = hidden[:, 0].cpu().numpy()
    # In processes: threads would wait for each other, as most of the work is in the interpreter.
    restored = Parallel(n_jobs=-1)(
        delayed(_restore)(image, mask) for image, mask in zip(images, masks, strict=True)
    )
    return torch.from_numpy(np.stack(restored)).permute(0, 3, 1, 2).to(masked)


def _restore(image: FloatArray, mask: BoolArray) -> FloatArray:
    if mask.all():
        return image
    restored: FloatArray = inpaint_biharmonic(image, mask, channel_axis=-1)
    return restored
