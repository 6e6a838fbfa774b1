"""CelebA: photographs of faces as they were found, cropped to the face box.

The boxes belong to the in-the-wild images, not to the aligned ones. The layout is

    DIR/img_celeba/000001.jpg ...
    DIR/list_bbox_celeba.txt         the number of images, a header, then lines `000001.jpg x y w h`
    DIR/list_eval_partition.txt      lines `000001.jpg 0`; 0 is training, 1 validation, 2 test
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import Box, Files, annotated_files
from pdas.support.errors import DataError, reason
from pdas.support.opening import read_bytes
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.images import ImageData

IMAGES, BOXES, PARTITION = "img_celeba", "list_bbox_celeba.txt", "list_eval_partition.txt"
LAYOUT = f"{IMAGES}/*.jpg (in the wild), {BOXES}, {PARTITION}"
TRAIN, TEST = 0, 2  # the numbers of the parts
TRAIN_IMAGES, TEST_IMAGES = 101_000, 2_000
MIN_TRAIN, MIN_TEST = 2, 1
LARGEST = 10**8  # bytes of an annotation file; the largest official one has 6 million


def read(request: Request) -> ImageData:
    """The faces, without labels.

    Raises:
        DataError: a file is missing, or an annotation file is malformed.
    """
    from pdas.data.reading import from_files

    return from_files(request, *find_celeba(request.folder(f"CelebA: {LAYOUT}")))


def find_celeba(root: Path) -> tuple[Files, Files]:
    """Training and test images with their boxes.

    The paper has 101,000 and 2,000 images and does not say which: here they are the first ones of
    the official training part and of the official test part (or all, of a smaller copy). An image
    whose box has no area is passed over.

    Raises:
        DataError: a file is missing, or an annotation file is malformed.
    """
    for name in (IMAGES, BOXES, PARTITION):
        path = root / name
        if not (path.is_dir() if name == IMAGES else path.is_file()):
            found, expected = f"no {name} in {root}", f"the layout of CelebA: {LAYOUT}"
            refuse(DataError, "--data-dir", found=found, expected=expected, remedy="add it")
    boxes = _boxes(root / BOXES)
    parts = _rows(root / PARTITION, "NAME PART", first=0)
    train, test = (
        _part(root, [name for name, (part,) in parts if part == number], boxes, limit, minimum)
        for number, limit, minimum in (
            (TRAIN, TRAIN_IMAGES, MIN_TRAIN),
            (TEST, TEST_IMAGES, MIN_TEST),
        )
    )
    return train, test


def _part(
    root: Path, names: list[str], boxes: dict[str, Box | None], limit: int, minimum: int
) -> Files:
    """The first `limit` images with a box."""
    if without := next((name for name in names if name not in boxes), None):
        found = f"no box of {without}, which {PARTITION} names"
        _refuse(root / BOXES, found, "one for each image", "fetch both files again")
    with_box = ((name, box) for name in names if (box := boxes[name]) is not None)
    chosen = dict(islice(with_box, limit))
    if len(chosen) < minimum:
        parts = f"{MIN_TRAIN} of part {TRAIN} (training) and {MIN_TEST} of part {TEST} (test)"
        _refuse(root / PARTITION, f"{len(chosen)} images of a part", f"at least {parts}")
    return annotated_files(root / IMAGES, chosen, by=PARTITION, expected="the in-the-wild images")


def _refuse(path: Path, found: str, expected: str, remedy: str = "fetch it again") -> NoReturn:
    """Refuse an annotation file."""
    refuse(DataError, str(path), found=found, expected=expected, remedy=remedy)


def _boxes(path: Path) -> dict[str, Box | None]:
    """The box of each image, None where it has no area."""
    return {
        name: (x, y, x + width, y + height) if width > 0 and height > 0 else None
        for name, (x, y, width, height) in _rows(path, "NAME X Y WIDTH HEIGHT", first=2)
    }


def _rows(path: Path, form: str, first: int) -> list[tuple[str, list[int]]]:
    """The lines from number `first` on, each a name and as many integers as the form has words."""
    rows = []
    try:
        lines = read_bytes(path, LARGEST).decode(errors="replace").splitlines()
    except (OSError, ValueError) as error:
        _refuse(path, f"a file that cannot be read ({reason(error)})", form)
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line.strip():
            continue
        name, *values = line.split()
        try:
            if len(values) != len(form.split()) - 1:
                raise ValueError
            rows.append((name, [int(value) for value in values]))
        except ValueError:
            _refuse(path, f"{line[:80]!r} in line {number}", form)
    return rows


SETS.add("celeba", DataSet(read=read, restoration=Form(64, 3)))
