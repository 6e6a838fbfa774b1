"""Any folder of images, without classes: what the images show does not matter to inpainting.

Either DIR/train and DIR/test, or DIR alone, of which a test part is split off; each is searched
with all its sub-folders. Images are the central square, resized; or crops at full resolution.
"""

from __future__ import annotations

from pathlib import Path

import torch

from pdas.data.decode import Header, read_header
from pdas.data.frames import Framed, center_square, flat, random_squares
from pdas.data.sets.folder import EXTENSIONS, image_files
from pdas.data.splits import split_test
from pdas.support.errors import DataError

MIN_TRAIN, MIN_TEST = 2, 1

Headers = dict[str, Header]  # by path


def find_unlabelled(
    root: Path, *, size: int, crops: int | None, test_fraction: float, seed: int
) -> tuple[Framed, Framed]:
    """Training and test squares of the images in a folder.

    Without `crops` the largest central square of each image. With it, `crops` squares of `size`
    pixels at random of each training image, and the central one of each test image, at the images'
    own resolution. `seed` draws them, and the test part where it is split off.

    Raises:
        DataError: there are too few images, a header is broken, or an image is smaller than a crop.
    """
    train, test = (
        {path: read_header(path) for path in paths} for paths in _parts(root, test_fraction, seed)
    )
    if crops is None:
        return _central(train), _central(test)
    _check_sizes(train | test, size)
    generator = torch.Generator().manual_seed(seed)
    at_random = {
        path: random_squares(header.width, header.height, size, crops, generator)
        for path, header in train.items()
    }
    return flat(at_random), _central(test, size)


def _central(headers: Headers, size: int | None = None) -> Framed:
    boxes = [center_square(header.width, header.height, size) for header in headers.values()]
    return Framed(list(headers), boxes)


def _parts(root: Path, test_fraction: float, seed: int) -> tuple[list[str], list[str]]:
    train, test = root / "train", root / "test"
    if train.is_dir() and test.is_dir():
        return _images(train, MIN_TRAIN), _images(test, MIN_TEST)
    paths = _images(root, MIN_TRAIN + MIN_TEST)
    parts = split_test(torch.zeros(len(paths), dtype=torch.int64), test_fraction, seed)
    kept, held_out = ([paths[i] for i in part.tolist()] for part in parts)
    if len(kept) < MIN_TRAIN:
        raise DataError(
            f"data.test_fraction: found {test_fraction}, which leaves {len(kept)} of {len(paths)} "
            f"images for training, expected at least {MIN_TRAIN}; lower it or add images"
        )
    return kept, held_out


def _images(folder: Path, minimum: int) -> list[str]:
    paths = image_files(folder)
    if len(paths) < minimum:
        raise DataError(
            f"--data-dir: found {len(paths)} images in {folder}, expected at least {minimum}; add "
            f"images ({' '.join(sorted(EXTENSIONS))})"
        )
    return paths


def _check_sizes(headers: Headers, size: int) -> None:
    small = [
        (path, header)
        for path, header in headers.items()
        if min(header.width, header.height) < size
    ]
    if small:
        path, header = small[0]
        raise DataError(
            f"{path}: found {header.width}x{header.height} pixels, one of {len(small)} images "
            f"smaller than a crop, expected at least {size}x{size}; leave out data.crops, lower "
            "data.image_size or remove them"
        )
