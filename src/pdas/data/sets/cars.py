"""Stanford Cars: photographs cropped to the box of the car.

The layout is that of the original archives,

    DIR/cars_train/00001.jpg ...     DIR/devkit/cars_train_annos.mat
    DIR/cars_test/00001.jpg ...      DIR/devkit/cars_test_annos.mat

where the test annotations may also be cars_test_annos_withlabels.mat, there or in DIR itself.
"""

from __future__ import annotations

from pathlib import Path

from pdas.data.frames import Box, Framed, named
from pdas.support.errors import DataError, reason

TRAIN = ("devkit/cars_train_annos.mat",)
TEST = (
    "devkit/cars_test_annos.mat",
    "devkit/cars_test_annos_withlabels.mat",
    "cars_test_annos_withlabels.mat",
)
LAYOUT = f"cars_train/*.jpg, cars_test/*.jpg, {TRAIN[0]}, {TEST[0]}"
MIN_TRAIN, MIN_TEST = 2, 1


def find_cars(root: Path) -> tuple[Framed, Framed]:
    """The 8,144 training and 8,041 test images with their boxes.

    Raises:
        DataError: a file is missing, or an annotation file is broken.
    """
    return _part(root, "cars_train", TRAIN, MIN_TRAIN), _part(root, "cars_test", TEST, MIN_TEST)


def _part(root: Path, folder: str, annotations: tuple[str, ...], minimum: int) -> Framed:
    file = next((root / name for name in annotations if (root / name).is_file()), None)
    if file is None or not (root / folder).is_dir():
        raise DataError(
            f"--data-dir: found no {annotations[0] if file is None else folder} in {root}, "
            f"expected the layout of Stanford Cars: {LAYOUT}; add it"
        )
    boxes = _boxes(file)
    if len(boxes) < minimum:
        raise DataError(
            f"{file}: found {len(boxes)} images, expected at least {minimum}; fetch it again"
        )
    return named(root / folder, boxes, by=file, expected="all of them")


def _boxes(file: Path) -> dict[str, Box]:
    """The box of each image, in the order of the file, whose corners count from 1, inclusive."""
    import numpy as np
    from scipy.io import loadmat

    try:
        rows = np.atleast_1d(loadmat(str(file), squeeze_me=True)["annotations"])
        return {
            str(row["fname"]): (
                int(row["bbox_x1"]) - 1,
                int(row["bbox_y1"]) - 1,
                int(row["bbox_x2"]),
                int(row["bbox_y2"]),
            )
            for row in rows
        }
    except Exception as error:  # scipy's reader and its fields fail in many ways
        raise DataError(
            f"{file}: found no annotations of Stanford Cars ({reason(error)}), expected a MATLAB "
            "file with a struct array `annotations` (bbox_x1, bbox_y1, bbox_x2, bbox_y2, fname); "
            "fetch it again"
        ) from error
