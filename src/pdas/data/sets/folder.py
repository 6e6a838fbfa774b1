"""Any folder of images, with or without classes.

With labels either `DIR/<class>/*.png`, of which a test part is held out, or
`DIR/train/<class>/*.png` and `DIR/test/<class>/*.png`. Classes are the names of the folders in
alphabetical order.

To be restored, where it does not matter what the images show, either `DIR/train` and `DIR/test`, or
DIR alone; each is searched with all its sub-folders.

`pdas.data.layout` knows the other names of the parts. What is passed over is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import EXTENSIONS, Files, Found, by_extension, found_in
from pdas.data.frames import center_square, flat, random_squares
from pdas.data.layout import Layout, check_no_parts_within, folders_in, layout_of
from pdas.support.errors import DataError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.decode import Header
    from pdas.data.images import ImageData

MIN_TRAIN = 2  # of each class: one for either half of a search
MIN_TEST = 1

Classes: TypeAlias = dict[str, Found]  # by the name of the class, sorted
Headers: TypeAlias = "dict[str, Header]"  # by path


def read(request: Request) -> ImageData:
    """The images of a folder.

    Raises:
        DataError: too few images or classes, other classes for the test than for training, folders
            that may be parts or classes, or a broken image file.
    """
    return _read_labelled(request) if request.use == "labelled" else _read_plain(request)


def _refuse(found: str, expected: str, remedy: str) -> NoReturn:
    """Refuse the folder."""
    refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)


def _found_in(folder: Path, minimum: int, otherwise: str = "") -> Found:
    """The files of a folder and those below it, at least `minimum` images among them."""
    found = found_in(folder)
    if len(found.images) < minimum:
        others = f" ({by_extension(found.others)})" if found.others else ""
        number, expected = f"{len(found.images)} images in {folder}{others}", f"at least {minimum}"
        _refuse(number, expected, f"add images ({' '.join(sorted(EXTENSIONS))}){otherwise}")
    return found


def _notes_on(found: Iterable[Found]) -> tuple[str, ...]:
    """What to say of the files that are passed over."""
    others = sum((each.others for each in found), Counter[str]())
    if not others:
        return ()
    return (f"other files: {others.total()}, passed over ({by_extension(others)})",)


# ---- a sub-folder for each class


def _read_labelled(request: Request) -> ImageData:
    """Images labelled by the folders that they are in."""
    from pdas.data.reading import from_files

    layout = layout_of(request.folder("a folder with a sub-folder of images for each class"))
    train, test = layout.train, layout.test
    least = MIN_TRAIN if test else MIN_TRAIN + MIN_TEST
    classes = _classes(train, least)
    test_classes = _classes(test, MIN_TEST) if test else {}
    if test and (unequal := sorted(classes.keys() ^ test_classes.keys())):
        found = f"{_some(unequal)} in only one of {train} and {test}"
        _refuse(found, "the same classes in both", "give both the same folders")
    whole = _labelled(classes)
    parts = (whole, _labelled(test_classes)) if test else _split(whole, request)
    notes = (
        *layout.notes,
        *_notes_on([*classes.values(), *test_classes.values()]),
        *(note for part in (train, test) if part for note in _outside(part)),
    )
    return from_files(request, *parts, tuple(classes), notes)


def _classes(root: Path, minimum: int) -> Classes:
    """What there is of each class in `root`, at least `minimum` images."""
    folders = folders_in(root)
    if not folders:
        remedy = f"put the images of each class in {root}/CLASS"
        _refuse(f"no folders in {root}", "one for each class", remedy)
    if len(folders) == 1:
        found = f"only one class in {root} ({folders[0].name})"
        inner = f", or name {folders[0]}, if it holds them" if folders_in(folders[0]) else ""
        _refuse(found, "at least two", f"add a folder of images for each class{inner}")
    for folder in (root, *folders):
        check_no_parts_within(folder)
    otherwise = " or remove the folder"
    return {folder.name: _found_in(folder, minimum, otherwise) for folder in folders}


def _outside(root: Path) -> Iterator[str]:
    """What to say of images beside the folders of the classes."""
    if images := found_in(root, below=False).images:
        yield f"images in {root} without the folder of a class: {len(images)}, passed over"


def _labelled(classes: Classes) -> Files:
    """All files with the index of their class."""
    paths = [path for found in classes.values() for path in found.images]
    labels = [label for label, found in enumerate(classes.values()) for _ in found.images]
    return Files(paths, labels=labels)


def _split(files: Files, request: Request) -> tuple[Files, Files]:
    """A training and a test part, split class by class."""
    import torch

    from pdas.data.splits import split_test

    labels = torch.tensor(files.labels, device="cpu")
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

    layout = layout_of(request.folder("a folder of images"))
    found = _found(layout)
    notes = (*layout.notes, *_notes_on(found))
    train, test = ({path: read_header(path) for path in part} for part in _parts(found, request))
    if request.crops is None:
        return from_files(request, _central(train), _central(test), notes=notes)
    assert request.image_size is not None  # of the form below
    _check_sizes(train | test, request.image_size)
    squares = _random_squares(train, request.image_size, request.crops, request.seed)
    return from_files(request, squares, _central(test, request.image_size), notes=notes)


def _found(layout: Layout) -> list[Found]:
    """The files of the parts, or of all."""
    for part in filter(None, (layout.train, layout.test)):
        for folder in (part, *folders_in(part)):
            check_no_parts_within(folder)
    if layout.test is None:
        return [_found_in(layout.train, MIN_TRAIN + MIN_TEST)]
    return [_found_in(layout.train, MIN_TRAIN), _found_in(layout.test, MIN_TEST)]


def _parts(found: Sequence[Found], request: Request) -> tuple[Sequence[str], Sequence[str]]:
    """The files for training and for the test."""
    paths, *test = (each.images for each in found)
    if test:
        return paths, test[0]
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
        any_shape=True,
        has_test=False,  # unless it is in train/ and test/
    ),
)
