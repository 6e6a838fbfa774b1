"""The most confident mistakes of a classifier: what is kept of them, and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pdas.drawing.sheet import GAP, Pixels, add_image, add_line, enlargement
from pdas.drawing.style import DPI, MUTED, new_figure, save
from pdas.runs.run import Run
from pdas.support.opening import read_arrays
from pdas.tasks.section import Table

FILE = "mistakes.npz"
SHOWN = 12  # at most
_COLUMNS = 4
_SIDE = 190  # pixels that an image is to have about
_MARGIN = 0.1  # inches, around everything
_FOOT = 0.24  # height of a number


@dataclass(frozen=True)
class Mistakes:
    """Test images that were put into a wrong class, the most confident mistake first.

    Attributes:
        images: uint8 `(n, C, H, W)`; C is 1 or 3.
        true, predicted: the classes, as indices, `(n,)`.
        probability: that the network gave to the predicted class, `(n,)`.
        names: of their files, `(n,)`; None if they have none.

    Example:
        read_mistakes(Path("runs/digits-0/retrain-0"), 10).probability[0]
    """

    images: Pixels
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]
    names: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def table(self, classes: Sequence[str]) -> Table:
        """A row for each, with its number in the picture.

        Args:
            classes: the name of each class.
        """
        rows = [
            (str(number), classes[true], classes[predicted], f"{100 * probability:.1f}")
            for number, (true, predicted, probability) in enumerate(
                zip(self.true, self.predicted, self.probability, strict=True), start=1
            )
        ]
        headings = ("number", "true class", "predicted class", "probability, %")
        if self.names is None:
            return Table(headings, rows)
        named = [(*row, str(name)) for row, name in zip(rows, self.names, strict=True)]
        return Table((*headings, "file"), named)


def read_mistakes(retraining: Path, classes: int) -> Mistakes:
    """The mistakes that a retraining has kept.

    Args:
        retraining: the directory `retrain-<seed>/`.
        classes: how many there are.

    Raises:
        RunError: its `mistakes.npz` is missing or damaged.
    """

    def parse(path: Path) -> Mistakes:
        needed = ["images", "true", "predicted", "probability"]
        mistakes = Mistakes(**read_arrays(path, needed, ["names"]))
        _check(mistakes, classes)
        return mistakes

    return Run(retraining).read(FILE, parse)


def draw_mistakes(mistakes: Mistakes, retraining: Path) -> Path:
    """Draw them into `mistakes.png` of a retraining, numbered from 1, and return its path.

    There are no names in the picture, since its font may not have their letters.
    """
    return save(mistakes_figure(mistakes), retraining / "mistakes.png")


def mistakes_figure(mistakes: Mistakes) -> Figure:
    """Rows of images with numbers below them."""
    _, _, height, width = mistakes.images.shape
    times = enlargement(height, width, _SIDE)
    across, down = width * times / DPI + GAP, height * times / DPI + _FOOT + GAP
    columns = min(_COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    total = 2 * _MARGIN + rows * down
    figure = new_figure(2 * _MARGIN + columns * across - GAP, total)
    for i, image in enumerate(mistakes.images):
        row, column = divmod(i, columns)
        x, top = _MARGIN + column * across, total - _MARGIN - row * down
        bottom = top - (down - _FOOT - GAP)
        add_image(figure, image, x, bottom, times)
        middle = x + (across - GAP) / 2
        add_line(figure, middle, bottom - 0.15, str(i + 1), MUTED, 8.0, side="center")
    return figure


def _check(mistakes: Mistakes, classes: int) -> None:
    images, n = mistakes.images, len(mistakes)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images are {images.dtype} {images.shape}, expected uint8 (n, C, H, W)")
    if 0 in images.shape or n > SHOWN:
        raise ValueError(f"images are {images.shape}, expected 1 to {SHOWN} that are not empty")
    for name in ("true", "predicted"):
        labels = getattr(mistakes, name)
        if labels.shape != (n,) or labels.dtype.kind != "i":
            raise ValueError(f"{name} is {labels.dtype} {labels.shape}, expected integers ({n},)")
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(f"{name} holds other classes than 0 to {classes - 1}")
    if mistakes.probability.shape != (n,) or mistakes.probability.dtype.kind != "f":
        raise ValueError(f"probability is {mistakes.probability.shape}, expected ({n},)")
    names = mistakes.names
    if names is not None and (names.shape != (n,) or names.dtype.kind != "U"):
        raise ValueError(f"names are {names.dtype} {names.shape}, expected texts ({n},)")
