"""ImageNet as of ILSVRC 2012: photographs of a thousand classes, in folders or tar files.

    DIR/train/n01440764/*.JPEG ...     or     DIR/ILSVRC2012_img_train.tar
    DIR/val/n01440764/*.JPEG ...       or     DIR/val/*.JPEG     or     DIR/ILSVRC2012_img_val.tar

The last two need DIR/ILSVRC2012_devkit_t12.tar.gz, or what is in it, for the labels. A class is
named as its folder. The tar files are the original ones and are read in place. Any number of
classes will do, so a part of the set can be used.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pdas.data.archives import devkit
from pdas.data.archives.tar import tar_images
from pdas.data.base import SETS, DataSet, Form, Request
from pdas.data.files import Paths, found_in
from pdas.data.layout import folders_in
from pdas.data.views.areas import Central
from pdas.support.errors import DataError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.decode import File
    from pdas.data.disk import DiskImages
    from pdas.data.images import ImageData

TRAIN, VAL = "train", "val"
ARCHIVES = {TRAIN: "ILSVRC2012_img_train.tar", VAL: "ILSVRC2012_img_val.tar"}
NUMBERED = re.compile(r".*_(\d{8})\.\w+")  # ILSVRC2012_val_00000001.JPEG
LAYOUT = f"{TRAIN}/CLASS/*.JPEG or {ARCHIVES[TRAIN]}, {VAL}/CLASS/*.JPEG or {ARCHIVES[VAL]}"
MIN_TRAIN = 2  # of each class: one for either half of a search

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Those that are used with this set everywhere; to find them is to decode all images."""


@dataclass(frozen=True)
class Part:
    """The images of a part.

    Attributes:
        files: N of them.
        classes: the name of the class of each.

    Example:
        Part(["train/n01440764/a.JPEG"], ["n01440764"])
    """

    files: Sequence[File]
    classes: Sequence[str]


def read(request: Request) -> ImageData:
    """Images that stay in their files, and are decoded when they are asked for.

    Nothing is decoded here: a damaged file is named when it is met.

    Raises:
        DataError: a part, a label or the images of a class are missing, or an archive is damaged.
    """
    from pdas.data.images import ImageData

    root = request.folder(f"ImageNet: {LAYOUT}")
    train, val = _train(root, request), _val(root, request)
    classes = sorted(set(train.classes))
    if len(classes) < 2:
        _refuse(f"{len(classes)} classes in {root}", "at least two", "add the others")
    if unequal := sorted(set(classes) ^ set(val.classes)):
        which = ", ".join(unequal[:5]) + (" ..." if len(unequal) > 5 else "")
        found = f"{len(classes)} classes for training and {len(set(val.classes))} for validation"
        _refuse(f"{found} in {root}, only one has {which}", "the same", "complete both parts")
    _check_counts(train)
    images = [_images(part, classes, request) for part in (train, val)]
    known = None if request.channels == 1 else (MEAN, STD)
    return ImageData(images[0], images[1], tuple(classes), statistics=known)


def _refuse(found: str, expected: str, remedy: str) -> NoReturn:
    refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)


def _train(root: Path, request: Request) -> Part:
    if (root / TRAIN).is_dir():
        return _of_folders(root / TRAIN)
    if (archive := root / ARCHIVES[TRAIN]).is_file():
        return _of_archive(archive, request)
    remedy = "name the directory that holds them, or fetch them from image-net.org"
    _refuse(f"neither {TRAIN} nor {ARCHIVES[TRAIN]} in {root}", f"ImageNet: {LAYOUT}", remedy)


def _val(root: Path, request: Request) -> Part:
    folder, archive = root / VAL, root / ARCHIVES[VAL]
    if folder.is_dir():
        return _of_folders(folder) if folders_in(folder) else _numbered(root, folder)
    if archive.is_file():
        images = tar_images(archive, nested=False, keep=request.download)
        return _labelled(root, images, archive)
    expected = "the validation images, which are the test here"
    _refuse(f"neither {VAL} nor {ARCHIVES[VAL]} in {root}", expected, f"add {VAL}/CLASS/*.JPEG")


def _of_folders(root: Path) -> Part:
    """Images in a folder for each class."""
    paths, classes = list[str](), list[str]()
    if not (folders := folders_in(root)):
        _refuse(f"no folder of a class in {root}", "one for each", f"add {root}/CLASS/*.JPEG")
    for folder in folders:
        images = found_in(folder).images
        if not images:
            _refuse(f"no images in {folder}", "those of its class", "add them or remove the folder")
        paths += images
        classes += [folder.name] * len(images)
    return Part(Paths(paths), classes)


def _of_archive(archive: Path, request: Request) -> Part:
    members = tar_images(archive, nested=True, keep=request.download)
    return Part(members, [os.fsdecode(name.split(b"/")[0]) for name in members.names])


def _numbered(root: Path, folder: Path) -> Part:
    """Images in one folder, whose labels are elsewhere."""
    images = found_in(folder).images
    if not images:
        _refuse(f"no images in {folder}", "the validation images", "add them")
    return _labelled(root, Paths(images), folder)


def _labelled(root: Path, files: Sequence[File], where: Path) -> Part:
    """Images with the labels that the development kit has for their numbers."""
    if not devkit.is_there(root):
        found = f"{where} without folders of classes, and no {devkit.ARCHIVE}"
        _refuse(found, "the labels of the images", "add it, or sort the images into folders")
    names = devkit.validation_classes(root)
    classes = []
    for file in map(str, files):
        number = NUMBERED.fullmatch(file)
        if number is None or not 1 <= int(number[1]) <= len(names):
            found = f"{file}, an image without a label"
            _refuse(found, f"..._00000001 to {len(names):08d}", "remove it")
        classes.append(names[int(number[1]) - 1])
    return Part(files, classes)


def _check_counts(train: Part) -> None:
    name, count = min(Counter(train.classes).items(), key=lambda item: item[1])
    if count < MIN_TRAIN:
        found = f"{count} training images of {name}"
        _refuse(found, f"at least {MIN_TRAIN}", "add images or remove the class from both parts")


def _images(part: Part, classes: Sequence[str], request: Request) -> DiskImages:
    import torch

    from pdas.data.disk import DiskImages

    assert request.image_size and request.channels  # of the form below
    index = {name: label for label, name in enumerate(classes)}
    return DiskImages(
        part.files,
        torch.tensor([index[name] for name in part.classes], device="cpu"),
        size=request.image_size,
        channels=request.channels,
        workers=request.workers,
        view=None if request.center_crop is None else Central(request.center_crop),
    )


SETS.add("imagenet", DataSet(read=read, labelled=Form(224, 3), any_shape=True))
