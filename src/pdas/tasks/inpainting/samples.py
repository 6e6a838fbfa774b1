"""The sheet of test images of a retraining: masked, restored and true, by how well it went."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pdas.drawing.style import DPI, INK, MUTED, font, new_figure, save, text_width
from pdas.runs.run import Run
from pdas.support.arrays import FloatArray
from pdas.support.opening import read_arrays

BLOCKS = ("best", "median", "worst")
ROWS = {"masked": "masked", "restored": "restored", "clean": "true"}

_SIDE = 190  # pixels that an image is to have about, a whole number for each of its own
_MARGIN = 0.3  # inches, around everything
_GAP = 0.07  # between images
_HEADING = 0.3  # height of the name of a block
_FOOT = 0.22  # height of the line of PSNRs
_BETWEEN = 0.2  # between blocks
_TEXT = 8.0  # points
_SMALL = 7.0

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Samples:
    """Some test images of the best, the median and the worst, n of each.

    Attributes:
        images: `(3, n, C, H, W)` for each of "masked", "restored" and "clean"; C is 1 or 3.
        psnr: of the restored images, in dB: `(3, n)`.

    Example:
        samples_figure(Samples(images, psnr)).savefig("restored.png")
    """

    images: dict[str, Pixels]
    psnr: FloatArray


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
    """Three blocks above each other, a column for an image, its PSNR below it."""
    _, n, _, height, width = samples.images["clean"].shape
    times = max(1, round(_SIDE / max(height, width)))
    across, down = (pixels * times / DPI + _GAP for pixels in (width, height))
    left = _MARGIN + max(text_width(label, font(_TEXT)) for label in ROWS.values()) + 0.15
    block = _HEADING + len(ROWS) * down + _FOOT
    total = 2 * _MARGIN + len(BLOCKS) * block + (len(BLOCKS) - 1) * _BETWEEN
    figure = new_figure(left + n * across - _GAP + _MARGIN, total)
    for i, title in enumerate(BLOCKS):
        top = total - _MARGIN - i * (block + _BETWEEN)
        _write(figure, _MARGIN, top - 0.13, title, INK, 9.5, weight="bold")
        top -= _HEADING
        for name, label in ROWS.items():
            _write(figure, _MARGIN, top - (down - _GAP) / 2 - 0.04, label, MUTED, _TEXT)
            for j, image in enumerate(samples.images[name][i]):
                _place(figure, image, left + j * across, top - down + _GAP, times)
            top -= down
        for j, psnr in enumerate(samples.psnr[i]):
            x = left + j * across + (across - _GAP) / 2
            _write(figure, x, top - 0.07, f"{psnr:.2f} dB", MUTED, _SMALL, side="center")
    return figure


def _place(figure: Figure, image: Pixels, x: float, y: float, times: int) -> None:
    """An image `(C, H, W)` whose lower left corner is at (x, y) inches, sharp to the pixel."""
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    large = colours.repeat(times, axis=0).repeat(times, axis=1)
    figure.figimage(large, round(x * DPI), round(y * DPI), origin="upper")


def _write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    colour: str,
    size: float,
    weight: str = "normal",
    side: str = "left",
) -> None:
    """A line of text with its baseline at y inches."""
    width, height = figure.get_size_inches()
    figure.text(
        x / width,
        y / height,
        text,
        color=colour,
        fontproperties=font(size, weight),
        horizontalalignment=side,
    )


def _parse(path: Path) -> Samples:
    images = read_arrays(path, [*ROWS, "psnr"])
    psnr = np.asarray(images.pop("psnr"), float)
    shape = images["clean"].shape
    for name, pixels in images.items():
        if pixels.dtype != np.uint8 or pixels.shape != shape:
            raise ValueError(
                f"{name} is {pixels.dtype} {pixels.shape}, expected uint8 {shape} as clean"
            )
    blocks = len(BLOCKS)
    if len(shape) != 5 or shape[0] != blocks or shape[2] not in (1, 3) or 0 in shape:
        raise ValueError(f"images are {shape}, expected ({blocks}, n, C, H, W) with 1 or 3 colours")
    if psnr.shape != shape[:2]:
        raise ValueError(f"psnr is {psnr.shape}, expected {shape[:2]} for images {shape}")
    return Samples(images, psnr)
