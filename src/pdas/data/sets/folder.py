"""Any folder of images, with or without classes.

With labels either `DIR/<class>/*.png`, of which a test part is held out, or
`DIR/train/<class>/*.png` and `DIR/test/<class>/*.png`. Classes are the names of the folders in
alphabetical order.

To be restored, where it does not matter what the images show, either `DIR/train` and `DIR/test`, or
DIR alone; each is searched with all its sub-folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import EXTENSIONS, Files, image_files, is_visible
from pdas.data.frames import center_square, flat, random_squares
from pdas.support.errors import DataError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.decode import Header
    from pdas.data.images import ImageData

MIN_TRAIN = 2  # of each class: one for either half of a search
MIN_TEST = 1

Classes = dict[str, list[str]]  # class name to its image files, both sorted
Headers: TypeAlias = "dict[str, Header]"  # by path


def read(request: Request) -> ImageData:
    """The images of a folder.

    Raises:
        DataError: too few images or classes, other classes for the test than for training, or a
            broken image file.
    """
    return _read_labelled(request) if request.use == "labelled" else _read_plain(request)


def _refuse(found: str, expected: str, remedy: str) -> NoReturn:
    """Refuse the folder."""
    refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)


def _image_files(folder: Path, minimum: int, otherwise: str = "") -> list[str]:
    """At least `minimum` image files of a folder and those below it."""
    paths = image_files(folder)
    if len(paths) < minimum:
        found, expected = f"{len(paths)} images in {folder}", f"at least {minimum}"
        _refuse(found, expected, f"add images ({' '.join(sorted(EXTENSIONS))}){otherwise}")
    return paths


# ---- a sub-folder for each class


def _read_labelled(request: Request) -> ImageData:
    """Images labelled by the folders that they are in."""
    from pdas.data.reading import from_files

    root = request.folder("a folder with a sub-folder of images for each class")
    train, test = root / "train", root / "test"
    if not (train.is_dir() and test.is_dir()):
        whole = train if train.is_dir() and _folders(train) else root
        classes = _classes(whole, MIN_TRAIN + MIN_TEST)
        return from_files(request, *_split(_labelled(classes), request), tuple(classes))
    train_classes, test_classes = _classes(train, MIN_TRAIN), _classes(test, MIN_TEST)
    if unequal := sorted(train_classes.keys() ^ test_classes.keys()):
        found = f"{_some(unequal)} in only one of {train} and {test}"
        _refuse(found, "the same classes in both", "give both the same folders")
    parts = _labelled(train_classes), _labelled(test_classes)
    return from_files(request, *parts, tuple(train_classes))


def _classes(root: Path, minimum: int) -> Classes:
    """The image files of each class folder in `root`, at least `minimum` in each."""
    folders = _folders(root)
    if not folders:
        remedy = f"put the images of each class in {root}/CLASS"
        _refuse(f"no folders in {root}", "one for each class", remedy)
    if len(folders) == 1:
        found = f"only one class in {root} ({folders[0].name})"
        _refuse(found, "at least two", "add a folder of images for each class")
    otherwise = " or remove the folder"
    return {folder.name: _image_files(folder, minimum, otherwise) for folder in folders}


def _folders(root: Path) -> list[Path]:
    """The folders in a folder, but for hidden ones."""
    return sorted(path for path in root.iterdir() if path.is_dir() and is_visible(path.name))


def _labelled(classes: Classes) -> Files:
    """All files with the index of their class."""
    paths = [path for files in classes.values() for path in files]
    labels = [label for label, files in enumerate(classes.values()) for _ in files]
    return Files(paths, labels=labels)


def _split(files: Files, request: Request) -> tuple[Files, Files]:
    """A training and a test part, split class by class."""
    import torch

    from pdas.data.splits import split_test

    labels = torch.tensor(files.labels)
    train, test = (
        Files([files.paths[i] for i in part.tolist()], labels=labels[part].tolist())
        for part in split_test(labels, request.test_fraction, request.seed)
    )
    return train, test


def _some(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# ---- no classes


def _read_plain(request: Request) -> ImageData:
    """Squares of the images, all labelled 0.

    Without `crops` the largest central square of each image. With it, `crops` squares of
    `image_size` pixels at random of each training image, and the central one of each test image, at
    the images' own resolution.
    """
    from pdas.data.decode import read_header
    from pdas.data.reading import from_files

    train, test = (
        {path: read_header(path) for path in paths}
        for paths in _parts(request.folder("a folder of images"), request)
    )
    if request.crops is None:
        return from_files(request, _central(train), _central(test))
    assert request.image_size is not None  # of the form below
    _check_sizes(train | test, request.image_size)
    squares = _random_squares(train, request.image_size, request.crops, request.seed)
    return from_files(request, squares, _central(test, request.image_size))


def _parts(root: Path, request: Request) -> tuple[Sequence[str], Sequence[str]]:
    """The files for training and for the test."""
    train, test = root / "train", root / "test"
    if train.is_dir() and test.is_dir():
        return _image_files(train, MIN_TRAIN), _image_files(test, MIN_TEST)
    paths = _image_files(root, MIN_TRAIN + MIN_TEST)
    kept, held_out = _split(Files(paths, labels=[0] * len(paths)), request)
    if (n := len(kept.paths)) < MIN_TRAIN:
        refuse(
            DataError,
            "data.test_fraction",
            found=f"{request.test_fraction}, which leaves {n} of {len(paths)} images for training",
            expected=f"at least {MIN_TRAIN}",
            remedy="lower it or add images",
        )
    return kept.paths, held_out.paths


def _central(headers: Headers, size: int | None = None) -> Files:
    """The central square of each image."""
    boxes = [center_square(header.width, header.height, size) for header in headers.values()]
    return Files(list(headers), boxes)


def _random_squares(headers: Headers, size: int, count: int, seed: int) -> Files:
    """Squares at random of each image."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    squares = {
        path: random_squares(header.width, header.height, size, count, generator)
        for path, header in headers.items()
    }
    return flat(squares)


def _check_sizes(headers: Headers, size: int) -> None:
    """Raise DataError if an image is smaller than a crop."""
    small = [path for path, header in headers.items() if min(header.width, header.height) < size]
    if small:
        header = headers[small[0]]
        pixels = f"{header.width}x{header.height} pixels"
        refuse(
            DataError,
            small[0],
            found=f"{pixels}, one of {len(small)} images smaller than a crop",
            expected=f"at least {size}x{size}",
            remedy="leave out data.crops, lower data.image_size or remove them",
        )


SETS.add(
    "folder",
    DataSet(
        read=read,
        labelled=Form(32, 3),
        restoration=Form(64, 3),
        takes_crops=True,
        has_test=False,  # unless it is in train/ and test/
    ),
)
