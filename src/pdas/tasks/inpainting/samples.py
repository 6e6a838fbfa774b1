"""The sheet of test images of a retraining, by how well it went.

Each image is shown masked, restored (as the network gives it), composited (with the known pixels as
they were given), and as it is. Files of earlier versions have no composited ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pdas.drawing.sheet import GAP, Pixels, add_image, add_line, enlargement
from pdas.drawing.style import (
    DPI,
    INK,
    LEAST_TEXT,
    MUTED,
    font,
    new_figure,
    save,
    text_width,
)
from pdas.runs.run import Run
from pdas.support.arrays import FloatArray
from pdas.support.opening import read_arrays

BLOCKS = ("best", "median", "worst")
ROWS = {"masked": "masked", "restored": "restored", "composited": "composited", "clean": "true"}
LATER = ("composited",)  # rows that files of earlier versions do not have
PSNRS = {"restored": "psnr", "composited": "psnr_composited"}  # below a row

_SIDE = 190  # pixels that an image is to have about, a whole number for each of its own
_MARGIN = 0.3  # inches, around everything
_HEADING = 0.3  # height of the name of a block
_FOOT = 0.24  # height of a line of PSNRs
_BETWEEN = 0.2  # between blocks


@dataclass(frozen=True)
class Samples:
    """Some test images of the best, the median and the worst, n of each.

    Attributes:
        images: `(3, n, C, H, W)` for each of `ROWS` that is known; C is 1 or 3.
        psnr: in dB, `(3, n)`, for "restored" and, where it is known, "composited".

    Example:
        samples_figure(Samples(images, psnr)).savefig("restored.png")
    """

    images: dict[str, Pixels]
    psnr: dict[str, FloatArray]


def draw_samples(retraining: str | PathLike[str]) -> Path:
    """Draw some test images of a retraining into its `restored.png`.

    Args:
        retraining: the directory `retrain-<seed>/`.

    Returns:
        The path of the picture.

    Raises:
        RunError: the `restored.npz` of the directory is missing or damaged.
    """
    run = Run(Path(retraining))
    samples = run.read("restored.npz", _parse)
    return save(samples_figure(samples), run.path / "restored.png")


def samples_figure(samples: Samples) -> Figure:
    """Three blocks above each other, a column for an image; PSNRs stand below what they are of."""
    _, n, _, height, width = samples.images["clean"].shape
    times = enlargement(height, width, _SIDE)
    across, down = (pixels * times / DPI + GAP for pixels in (width, height))
    names = [name for name in ROWS if name in samples.images]
    left = _MARGIN + max(text_width(ROWS[name], font(LEAST_TEXT)) for name in names) + 0.15
    block = _HEADING + len(names) * down + len(samples.psnr) * _FOOT
    total = 2 * _MARGIN + len(BLOCKS) * block + (len(BLOCKS) - 1) * _BETWEEN
    figure = new_figure(left + n * across - GAP + _MARGIN, total)
    for i, title in enumerate(BLOCKS):
        top = total - _MARGIN - i * (block + _BETWEEN)
        add_line(figure, _MARGIN, top - 0.13, title, INK, 9.5, weight="bold")
        top -= _HEADING
        for name in names:
            add_line(figure, _MARGIN, top - (down - GAP) / 2 - 0.04, ROWS[name], MUTED, LEAST_TEXT)
            for j, image in enumerate(samples.images[name][i]):
                add_image(figure, image, left + j * across, top - down + GAP, times)
            top -= down
            if name in samples.psnr:
                for j, psnr in enumerate(samples.psnr[name][i]):
                    x, text = left + j * across + (across - GAP) / 2, f"{psnr:.2f} dB"
                    add_line(figure, x, top - 0.07, text, MUTED, LEAST_TEXT, side="center")
                top -= _FOOT
    return figure


def _parse(path: Path) -> Samples:
    first = [name for name in ROWS if name not in LATER]
    arrays = read_arrays(path, [*first, PSNRS["restored"]], [*LATER, PSNRS["composited"]])
    images = {name: arrays[name] for name in ROWS if name in arrays}
    psnrs = {name: np.asarray(arrays[key], float) for name, key in PSNRS.items() if key in arrays}
    shape = images["clean"].shape
    for name, pixels in images.items():
        if pixels.dtype != np.uint8 or pixels.shape != shape:
            raise ValueError(
                f"{name} is {pixels.dtype} {pixels.shape}, expected uint8 {shape} as clean"
            )
    blocks = len(BLOCKS)
    if len(shape) != 5 or shape[0] != blocks or shape[2] not in (1, 3) or 0 in shape:
        raise ValueError(f"images are {shape}, expected ({blocks}, n, C, H, W) with 1 or 3 colours")
    for psnr in psnrs.values():
        if psnr.shape != shape[:2]:
            raise ValueError(f"psnr is {psnr.shape}, expected {shape[:2]} for images {shape}")
    return Samples(images, psnrs)
