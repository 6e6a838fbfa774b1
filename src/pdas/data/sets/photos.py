"""The colour photographs that scikit-image and scikit-learn ship, cut into squares.

The default of inpainting, since it needs no download: the files are read from where the two
packages are installed. Training and test crops come from different photographs.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch

from pdas.data.decode import Header, read_header
from pdas.data.frames import Framed, flat, grid_squares, random_squares
from pdas.support.errors import DataError, SettingError

SKIMAGE, SKLEARN = ("skimage", "data"), ("sklearn", "datasets/images")
TRAIN = (
    (*SKIMAGE, "chelsea.png"),
    (*SKIMAGE, "coffee.png"),
    (*SKIMAGE, "motorcycle_left.png"),
    (*SKIMAGE, "rocket.jpg"),
    (*SKLEARN, "flower.jpg"),
)
TEST = ((*SKIMAGE, "astronaut.png"), (*SKLEARN, "china.jpg"))
CLASSES = tuple(Path(file).stem for _, _, file in TRAIN + TEST)
CROPS = 400  # of each training photograph


def find_photos(size: int, crops: int, seed: int) -> tuple[Framed, Framed]:
    """`crops` squares at random of each training photograph, and the grid of each for the test.

    The squares have `size` pixels at the photographs' own resolution, and follow one another
    photograph by photograph. `seed` draws those for training; those for the test are fixed.

    Raises:
        SettingError: a square is larger than the smallest photograph.
        DataError: a package came without its photographs.
    """
    train, test = _headers(TRAIN), _headers(TEST)
    smallest = min(min(header.width, header.height) for header in (train | test).values())
    if size > smallest:
        raise SettingError(
            f"data.image_size: found {size}, expected at most {smallest} for photos, the height of "
            "the smallest; lower it"
        )
    generator = torch.Generator().manual_seed(seed)
    return flat(
        {
            path: random_squares(header.width, header.height, size, crops, generator)
            for path, header in train.items()
        }
    ), flat(
        {path: grid_squares(header.width, header.height, size) for path, header in test.items()}
    )


def photograph(path: str) -> int:
    """The index in `CLASSES` of the photograph of that path."""
    return CLASSES.index(Path(path).stem)


def _headers(places: tuple[tuple[str, str, str], ...]) -> dict[str, Header]:
    """The headers of shipped files by their paths."""
    headers = {}
    for package, folder, name in places:
        path = str(files(package).joinpath(folder, name))
        if not Path(path).is_file():
            raise DataError(
                f"photos: found no {path}, expected the photographs that {package} comes with; "
                "install it anew"
            )
        headers[path] = read_header(path)
    return headers
