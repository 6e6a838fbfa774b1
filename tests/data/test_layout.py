"""Layouts of folders, and what each of them means."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from loading import labelled, restoration
from PIL import Image

from pdas.data.disk import DiskImages
from pdas.data.files import found_in
from pdas.data.layout import part_of
from pdas.support.errors import DataError


def tree(root: Path, *entries: str) -> Path:
    """Five images in each folder of `entries`; an entry with a suffix is a file without images."""
    for entry in entries:
        path = root / entry
        if Path(entry).suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("no image")
            continue
        path.mkdir(parents=True, exist_ok=True)
        for i in range(5):
            Image.new("RGB", (4, 4), (i, len(entry), 0)).save(path / f"{i}.png")
    return root


def parts(root: Path) -> tuple[tuple[str, ...], set[str], set[str]]:
    """The classes, and the folders that the images of each part are in."""
    data = labelled("folder", data_dir=root, workers=0, memory_limit=0)
    assert isinstance(data.train, DiskImages) and isinstance(data.test, DiskImages)
    train, test = (
        {Path(path).parent.relative_to(root).as_posix() for path in source.paths}
        for source in (data.train, data.test)
    )
    return data.classes, train, test


PETS = ("cat", "dog")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAIN", "val"),
        ("training", "validation"),
        ("Training", "Testing"),
        ("train", "valid"),
        ("training_set", "test_set"),
        ("Train Set", "Validation-Set"),
        ("train_images", "test_images"),
        ("trainset", "valset"),
    ],
)
def test_parts_in_any_spelling(tmp_path: Path, train: str, test: str) -> None:
    tree(tmp_path, *(f"{part}/{pet}" for part in (train, test) for pet in PETS))
    assert parts(tmp_path) == (
        PETS,
        {f"{train}/{pet}" for pet in PETS},
        {f"{test}/{pet}" for pet in PETS},
    )


ONE_PART = {"cat", "dog"}

SPLIT = {
    "classes": (("cat", "dog"), ""),
    "the training part alone": (("train/cat", "train/dog"), "train/"),
    "a class called train": (("train", "bus"), ""),
    "litter": (("cat", "dog", "__MACOSX/._a.txt", "Thumbs.db", "@eaDir/a.txt", ".git/a.txt"), ""),
}


@pytest.mark.parametrize(("entries", "inside"), SPLIT.values(), ids=SPLIT)
def test_classes_of_which_a_part_is_held_out(
    tmp_path: Path, entries: tuple[str, ...], inside: str
) -> None:
    tree(tmp_path, *entries)
    classes, train, test = parts(tmp_path)
    named = {entry for entry in entries if not Path(entry).suffix}
    assert train == test == named
    assert {f"{inside}{name}" for name in classes} == named


def test_nested_folders_belong_to_their_class(tmp_path: Path) -> None:
    tree(tmp_path, "cat/persian", "cat", "dog/big/old")
    classes, train, test = parts(tmp_path)
    assert classes == PETS
    assert train | test == {"cat", "cat/persian", "dog/big/old"}


REFUSED = {
    "a stray val": (("cat", "dog", "val/cat"), "the parts 'val' beside other folders of images"),
    "a stray flat val": (("cat", "dog", "val"), "the parts 'val' beside other folders of images"),
    "a stray Test": (("cat", "dog", "Test/a"), "the parts 'Test' beside other folders of images"),
    "a class beside parts": (
        ("train/cat", "test/cat", "cat"),
        "the parts 'test', 'train' beside other folders of images, 'cat'",
    ),
    "train is a class and a part": (("train/cat", "train/dog", "bus"), "the parts 'train' beside"),
    "two spellings": (
        ("train/cat", "Train/cat", "test/cat"),
        "two folders of one part in {root}, 'Train', 'train', expected one",
    ),
    "val and valid": (("train/cat", "val/cat", "valid/cat"), "two folders of one part"),
    "no training part": (("test/cat", "test/dog"), "no training part beside 'test' in {root}"),
    "val and test": (("val/cat", "test/dog"), "no training part beside 'test', 'val' in {root}"),
    "parts in classes": (
        ("cat/train", "cat/test", "dog/train", "dog/test"),
        "parts within {root}/cat, 'test', 'train', expected parts that hold classes, as train/",
    ),
    "a test part in a class": (("cat/test", "dog"), "parts within {root}/cat, 'test', expected"),
    "a part in a part": (("train/train/cat", "train/val/cat"), "parts within {root}/train"),
    "a folder around all": (
        ("pets/train/cat", "pets/test/cat"),
        "only one class in {root} (pets), expected at least two; add a folder of images for each "
        "class, or name {root}/pets, if it holds them",
    ),
    "flat parts": (("Train", "Test"), "no folders in {root}/Train, expected one for each class"),
    "years": (
        ("train2017/cat", "val2017/cat"),
        "folders that may be parts or classes, 'train2017', 'val2017', in {root}, expected ",
    ),
    "words before": (
        ("seg_train", "seg_test", "seg_pred"),
        "folders that may be parts or classes, 'seg_test', 'seg_train', in {root}, expected ",
    ),
    "other classes": (
        ("train/cat", "train/dog", "val/cat", "val/Dog"),
        "Dog, dog in only one of {root}/train and {root}/val",
    ),
    "an empty class": (
        ("cat", "dog", "cow/a.txt", "cow/b.heic", "cow/c.HEIC"),
        "0 images in {root}/cow (2 .heic, 1 .txt), expected at least 3",
    ),
}


@pytest.mark.parametrize(("entries", "found"), REFUSED.values(), ids=REFUSED)
def test_what_may_be_parts_or_classes_is_refused(
    tmp_path: Path, entries: tuple[str, ...], found: str
) -> None:
    tree(tmp_path, *entries)
    with pytest.raises(DataError) as caught:
        parts(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"--data-dir: found {found.format(root=tmp_path)}")
    assert "\n" not in message


TRAIN_AND_TEST = ("train/cat", "train/dog", "test/cat", "test/dog")

SAID = {
    "nothing to say": (TRAIN_AND_TEST, []),
    "val beside test": (
        (*TRAIN_AND_TEST, "val/cat", "val/dog"),
        ["{root}/val is left out, since {root}/test is the test part"],
    ),
    "folders beside the parts": (
        (*TRAIN_AND_TEST, "labels/a.txt"),
        ["folders without images in {root} are passed over: 'labels'"],
    ),
    "other files": (
        (*TRAIN_AND_TEST, "train/cat/a.heic", "train/cat/b.HEIC", "test/dog/a.txt", ".a.txt"),
        ["other files: 3, passed over (2 .heic, 1 .txt)"],
    ),
    "images beside the classes": (
        ("cat", "dog", "."),
        ["images in {root} without the folder of a class: 5, passed over"],
    ),
    "images beside the parts": (
        (*TRAIN_AND_TEST, "."),
        ["images in {root} that are in no part: 5, passed over"],
    ),
    "names like those of parts": (
        ("crash test", "val2", "cat"),
        ["not taken as parts, though the names are like those of some: 'crash test', 'val2'"],
    ),
}


@pytest.mark.parametrize(("entries", "notes"), SAID.values(), ids=SAID)
def test_what_is_passed_over_is_said(
    tmp_path: Path, entries: tuple[str, ...], notes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    tree(tmp_path, *entries)
    expected = tuple(note.format(root=tmp_path) for note in notes)
    with caplog.at_level(logging.WARNING, logger="pdas"):
        assert labelled("folder", data_dir=tmp_path, workers=0).notes == expected
    assert [record.getMessage() for record in caplog.records] == [f"data: {n}" for n in expected]


def test_images_to_be_restored_have_the_same_parts(tmp_path: Path) -> None:
    tree(tmp_path, "Training", "Val/deeper", "Test", "Training/a.txt")
    data = restoration("folder", data_dir=tmp_path, workers=0, image_size=4)
    assert (len(data.train), len(data.test)) == (5, 5)
    assert data.notes == (
        f"{tmp_path}/Val is left out, since {tmp_path}/Test is the test part",
        "other files: 1, passed over (1 .txt)",
    )
    tree(tmp_path, "holiday")
    with pytest.raises(DataError, match="beside other folders of images, 'holiday'"):
        restoration("folder", data_dir=tmp_path, workers=0, image_size=4)
    root = tree(tmp_path / "all", "photos/train", "photos/test")
    with pytest.raises(DataError, match=f"parts within {root}/photos, 'test', 'train'"):
        restoration("folder", data_dir=root, workers=0, image_size=4)


def test_a_link_is_followed_once(tmp_path: Path) -> None:
    elsewhere = tree(tmp_path / "elsewhere", "dog")
    root = tree(tmp_path / "pets", "cat/old")
    (root / "dog").symlink_to(elsewhere / "dog")
    (root / "cat" / "again").symlink_to(root / "cat")
    (root / "cat" / "twice").symlink_to(root / "cat" / "old")
    assert len(found_in(root / "cat").images) == 5
    data = labelled("folder", data_dir=root, workers=0)
    assert data.classes == PETS and len(data.train) + len(data.test) == 10


def test_words_that_hold_the_name_of_a_part_are_none() -> None:
    assert [part_of(name) for name in ("contest", "restrain", "value", "testudo", "trains")] == [
        None
    ] * 5
