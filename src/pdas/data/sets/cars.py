"""Stanford Cars: photographs cropped to the box of the car.

The layout is that of the original archives,

    DIR/cars_train/00001.jpg ...     DIR/devkit/cars_train_annos.mat
    DIR/cars_test/00001.jpg ...      DIR/devkit/cars_test_annos.mat

where the test annotations may also be cars_test_annos_withlabels.mat, there or in DIR itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdas.data.archives.matlab import read_matlab
from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import Box, Files, annotated_files
from pdas.support.errors import DataError, reason
from pdas.support.opening import read_bytes
from pdas.support.refusals import refusal, refuse

if TYPE_CHECKING:
    from pdas.data.images import ImageData

TRAIN = ("devkit/cars_train_annos.mat",)
TEST = (
    "devkit/cars_test_annos.mat",
    "devkit/cars_test_annos_withlabels.mat",
    "cars_test_annos_withlabels.mat",
)
LAYOUT = f"cars_train/*.jpg, cars_test/*.jpg, {TRAIN[0]}, {TEST[0]}"
MIN_TRAIN, MIN_TEST = 2, 1
LARGEST = 10**8  # bytes of annotations; the official ones have less than a million


def read(request: Request) -> ImageData:
    """The 8,144 training and 8,041 test images, without labels.

    Raises:
        DataError: a file is missing, or an annotation file is broken.
    """
    from pdas.data.reading import from_files

    root = request.folder(f"Stanford Cars: {LAYOUT}")
    train = _part(root, "cars_train", TRAIN, MIN_TRAIN)
    return from_files(request, train, _part(root, "cars_test", TEST, MIN_TEST))


def _part(root: Path, folder: str, annotations: tuple[str, ...], minimum: int) -> Files:
    """The images of one part with their boxes."""
    file = next((root / name for name in annotations if (root / name).is_file()), None)
    if file is None or not (root / folder).is_dir():
        found = f"no {annotations[0] if file is None else folder} in {root}"
        expected = f"the layout of Stanford Cars: {LAYOUT}"
        refuse(DataError, "--data-dir", found=found, expected=expected, remedy="add it")
    boxes = _boxes(file)
    if (n := len(boxes)) < minimum:
        found, expected = f"{n} images", f"at least {minimum}"
        refuse(DataError, str(file), found=found, expected=expected, remedy="fetch it again")
    return annotated_files(root / folder, boxes, by=file, expected="all of them")


def _boxes(file: Path) -> dict[str, Box]:
    """The box of each image, in the order of the file, whose corners count from 1, inclusive."""
    import numpy as np

    try:
        rows = np.atleast_1d(read_matlab(read_bytes(file, LARGEST), LARGEST)["annotations"])
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
        raise refusal(
            DataError,
            str(file),
            found=f"no annotations of Stanford Cars ({reason(error)})",
            expected="a MATLAB file with a struct array `annotations` (bbox_x1, bbox_y1, bbox_x2, "
            "bbox_y2, fname)",
            remedy="fetch it again",
        ) from error


SETS.add("cars", DataSet(read=read, restoration=Form(64, 3)))
