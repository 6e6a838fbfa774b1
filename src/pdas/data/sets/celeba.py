"""CelebA: photographs of faces as they were found, cropped to the face box.

The boxes belong to the in-the-wild images, not to the aligned ones. The layout is

    DIR/img_celeba/000001.jpg ...
    DIR/list_bbox_celeba.txt         the number of images, a header, then lines `000001.jpg x y w h`
    DIR/list_eval_partition.txt      lines `000001.jpg 0`; 0 is training, 1 validation, 2 test
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pdas.data.frames import Box, Framed, named
from pdas.support.errors import DataError

IMAGES, BOXES, PARTITION = "img_celeba", "list_bbox_celeba.txt", "list_eval_partition.txt"
LAYOUT = f"{IMAGES}/*.jpg (in the wild), {BOXES}, {PARTITION}"
TRAIN, TEST = 0, 2  # the numbers of the parts
TRAIN_IMAGES, TEST_IMAGES = 101_000, 2_000
MIN_TRAIN, MIN_TEST = 2, 1


def find_celeba(root: Path) -> tuple[Framed, Framed]:
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
            raise DataError(
                f"--data-dir: found no {name} in {root}, expected the layout of CelebA: {LAYOUT}; "
                "add it"
            )
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
) -> Framed:
    """The first `limit` images with a box."""
    if without := next((name for name in names if name not in boxes), None):
        raise DataError(
            f"{root / BOXES}: found no box of {without}, which {PARTITION} names, expected one for "
            "each image; fetch both files again"
        )
    with_box = ((name, box) for name in names if (box := boxes[name]) is not None)
    chosen = dict(islice(with_box, limit))
    if len(chosen) < minimum:
        raise DataError(
            f"{root / PARTITION}: found {len(chosen)} images of a part, expected at least "
            f"{MIN_TRAIN} of part {TRAIN} (training) and {MIN_TEST} of part {TEST} (test); fetch "
            "it again"
        )
    return named(root / IMAGES, chosen, by=PARTITION, expected="the in-the-wild images")


def _boxes(path: Path) -> dict[str, Box | None]:
    """The box of each image, None where it has no area."""
    return {
        name: (x, y, x + width, y + height) if width > 0 and height > 0 else None
        for name, (x, y, width, height) in _rows(path, "NAME X Y WIDTH HEIGHT", first=2)
    }


def _rows(path: Path, form: str, first: int) -> list[tuple[str, list[int]]]:
    """The lines from number `first` on, each a name and as many integers as the form has words."""
    rows = []
    lines = path.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line.strip():
            continue
        name, *values = line.split()
        try:
            if len(values) != len(form.split()) - 1:
                raise ValueError
            rows.append((name, [int(value) for value in values]))
        except ValueError:
            raise DataError(
                f"{path}: found {line[:80]!r} in line {number}, expected {form}; fetch it again"
            ) from None
    return rows
