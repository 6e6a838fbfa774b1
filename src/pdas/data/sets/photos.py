"""The colour photographs that scikit-image and scikit-learn ship, cut into squares.

They need no download: the files are read from where the two packages are installed. Training and
test crops come from different photographs.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import Files
from pdas.data.frames import flat, grid_squares, random_squares
from pdas.support.errors import DataError, SettingError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.decode import Header
    from pdas.data.images import ImageData

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


def read(request: Request) -> ImageData:
    """Crops in memory, labelled by photograph.

    For training `request.crops` squares at random of each photograph, for the test the grid of
    each. They are `image_size` pixels of the photographs' own resolution, photograph by photograph.
    `seed` draws those for training; those for the test are fixed.

    Raises:
        SettingError: a square is larger than the smallest photograph, or memory too small.
        DataError: a package came without its photographs.
    """
    from pdas.data.images import ImageData
    from pdas.data.reading import check_memory, disk_images

    size, crops = request.image_size, request.crops or CROPS
    assert size and request.channels  # of the form below
    # Said before the crops are drawn: so many boxes may be too many already.
    check_memory(request, size, len(TRAIN) * crops * request.channels * size**2)
    train, test = (  # without processes: there are seven files to decode
        disk_images(request, part, workers=0).read() for part in _crops(size, crops, request.seed)
    )
    return ImageData(train, test, CLASSES)


def _crops(size: int, crops: int, seed: int) -> tuple[Files, Files]:
    """The squares for training and for the test."""
    import torch

    train, test = _headers(TRAIN), _headers(TEST)
    smallest = min(min(header.width, header.height) for header in (train | test).values())
    if size > smallest:
        refuse(
            SettingError,
            "data.image_size",
            found=str(size),
            expected=f"at most {smallest} for photos, the height of the smallest",
            remedy="lower it",
        )
    generator = torch.Generator().manual_seed(seed)
    squares = {
        path: random_squares(header.width, header.height, size, crops, generator)
        for path, header in train.items()
    }
    grids = {path: grid_squares(header.width, header.height, size) for path, header in test.items()}
    return _labelled(flat(squares)), _labelled(flat(grids))


def _labelled(part: Files) -> Files:
    """With the photograph of each square as its label."""
    labels = [CLASSES.index(Path(path).stem) for path in part.paths]
    return replace(part, labels=labels)


def _headers(photographs: tuple[tuple[str, str, str], ...]) -> dict[str, Header]:
    """The headers of shipped files by their paths."""
    from pdas.data.decode import read_header

    headers = {}
    for package, folder, name in photographs:
        path = str(files(package).joinpath(folder, name))
        if not Path(path).is_file():
            refuse(
                DataError,
                "photos",
                found=f"no {path}",
                expected=f"the photographs that {package} comes with",
                remedy="install it anew",
            )
        headers[path] = read_header(path)
    return headers


SETS.add("photos", DataSet(read=read, restoration=Form(64, 3), takes_crops=True))
