"""Which folders of a directory are its training and its test part, and which are not.

People call the parts by many names. All of them are known here, so that a part is never taken for a
class; what may be both is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from pdas.data.files import found_in, is_visible
from pdas.support.errors import DataError, shortened
from pdas.support.refusals import refuse

Part: TypeAlias = Literal["train", "test", "val"]

PART = re.compile(
    r"(?:(?P<train>train(ing)?)|(?P<test>test(ing)?)|(?P<val>val(id(ation)?)?))"
    r"((data)?set|data|images?|imgs?|split)?"
)
"""The names of the parts, in small letters and without anything between these."""

PART_NAMES: tuple[Part, ...] = ("train", "test", "val")
TRAIN_CLASS = "train"  # vehicles have such a class


@dataclass(frozen=True)
class Layout:
    """Where the images are.

    Attributes:
        train: the folder of the training part; without a test part, of all images.
        test: the folder of the test part, if there is one.
        notes: what is passed over, a line each.

    Example:
        layout_of(Path("photos")).test
    """

    train: Path
    test: Path | None
    notes: tuple[str, ...] = ()


def part_of(name: str) -> Part | None:
    """The part that a folder of this name is; None if the name is not one of a part.

    Args:
        name: in any spelling: "Train", "VAL", "test_set".
    """
    match = PART.fullmatch("".join(filter(str.isalnum, name.casefold())))
    named = match and {part for part in PART_NAMES if match[part]}
    return named.pop() if named else None


def layout_of(root: Path) -> Layout:
    """Find the parts of a directory.

    Args:
        root: holds either parts, or no folder with the name of one.

    Raises:
        DataError: parts are mixed with other folders of images, a part is there twice, there is no
            training part, or the names leave open what is a part.
    """
    parts, others = _sorted(root)
    if not parts or _is_class(parts, others):
        return Layout(root, None, _look_alikes(root, [*parts, *others]))
    notes = _passed_over(root, parts, others)
    by_part = _by_part(root, parts)
    if "train" not in by_part:
        _refuse(f"no training part beside {_names(parts)} in {root}", "a folder train beside it")
    train, test, val = (by_part.get(part) for part in ("train", "test", "val"))
    assert train is not None
    if test is not None and val is not None:
        notes.append(f"{val} is left out, since {test} is the test part")
    return Layout(train, test or val, tuple(notes))


def check_no_parts_within(folder: Path) -> None:
    """Check that neither a part nor a class holds parts, whose test images would be trained on.

    Args:
        folder: of a part or a class.

    Raises:
        DataError: it holds some.
    """
    parts, others = _sorted(folder)
    if parts and not _is_class(parts, others):
        found = f"parts within {folder}, {_names(parts)}"
        _refuse(found, "parts that hold classes, as train/CLASS")


def folders_in(root: Path) -> list[Path]:
    """The folders in a folder, sorted, but for hidden ones and litter."""
    return sorted(path for path in root.iterdir() if path.is_dir() and is_visible(path.name))


def _sorted(root: Path) -> tuple[list[Path], list[Path]]:
    """The folders with the name of a part, and the others."""
    folders = folders_in(root)
    parts = [folder for folder in folders if part_of(folder.name)]
    return parts, [folder for folder in folders if folder not in parts]


def _is_class(parts: Sequence[Path], others: Sequence[Path]) -> bool:
    """Whether the only folder named like a part is a class among others: it holds images alone."""
    alone = len(parts) == 1 and parts[0].name.lower() == TRAIN_CLASS
    return alone and bool(others) and not folders_in(parts[0]) and _has_images(parts[0])


def _look_alikes(root: Path, folders: Sequence[Path]) -> tuple[str, ...]:
    """What to say of folders that are no part, though a word of their names is that of one.

    Raises:
        DataError: one is like the training part and one like a test part, as train2017, val2017.
    """
    words = {folder: re.findall(r"[^\W\d_]+", folder.name.casefold()) for folder in folders}
    alike = {folder: set(map(part_of, words[folder])) - {None} for folder in folders}
    named = [folder for folder in folders if alike[folder]]
    if not named:
        return ()
    found = set[Part | None]().union(*alike.values())
    if "train" in found and len(found) > 1:
        expected = "the names train and test for parts, others for classes"
        _refuse(f"folders that may be parts or classes, {_names(named)}, in {root}", expected)
    return (f"not taken as parts, though the names are like those of some: {_names(named)}",)


def _has_images(folder: Path) -> bool:
    return bool(found_in(folder).images)


def _passed_over(root: Path, parts: Sequence[Path], others: Sequence[Path]) -> list[str]:
    """What to say of files and folders beside the parts; images among the folders are refused."""
    if mixed := [folder for folder in others if _has_images(folder)]:
        found = f"the parts {_names(parts)} beside other folders of images, {_names(mixed)}"
        _refuse(f"{found}, in {root}", "either parts or classes")
    outside = len(found_in(root, below=False).images)
    notes = [f"images in {root} that are in no part: {outside}, passed over"] if outside else []
    if others:
        notes.append(f"folders without images in {root} are passed over: {_names(others)}")
    return notes


def _by_part(root: Path, parts: Sequence[Path]) -> dict[Part, Path]:
    by_part: dict[Part, Path] = {}
    for folder in parts:
        part = part_of(folder.name)
        assert part is not None
        if part in by_part:
            _refuse(f"two folders of one part in {root}, {_names([by_part[part], folder])}", "one")
        by_part[part] = folder
    return by_part


def _names(folders: Sequence[Path]) -> str:
    return shortened([folder.name for folder in folders])


def _refuse(found: str, expected: str) -> NoReturn:
    remedy = "move or rename folders, as docs/data.md shows"
    refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)
