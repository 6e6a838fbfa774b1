"""Folders of images: layouts, the part held out, and every folder that will not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from loading import labelled

from pdas.data.decode import read_image
from pdas.data.disk import DiskImages
from pdas.data.images import MemoryImages
from pdas.data.views.standardise import channel_statistics
from pdas.support.errors import DataError

MakeFolder = Callable[..., Path]


def load(root: Path | None, **settings: object):
    return labelled("folder", data_dir=root, workers=0, **settings)


def test_a_part_of_each_class_is_held_out(make_folder: MakeFolder) -> None:
    data = load(make_folder("pets", {"dog": 20, "cat": 10}), test_fraction=0.3)
    assert data.classes == ("cat", "dog")
    assert torch.bincount(data.test.labels).tolist() == [3, 6]
    assert torch.bincount(data.train.labels).tolist() == [7, 14]
    assert (data.channels, data.size) == (3, 32)


def test_no_image_is_in_both_parts_and_the_seed_decides(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 20, "cat": 20})

    def files(seed: int) -> tuple[set[str], set[str]]:
        data = load(root, memory_limit=0, seed=seed)
        assert isinstance(data.train, DiskImages) and isinstance(data.test, DiskImages)
        for part in (data.train, data.test):
            classes = [data.classes[label] for label in part.labels.tolist()]
            assert classes == [Path(path).parent.name for path in part.paths]
        return set(data.train.paths), set(data.test.paths)

    train, test = files(0)
    assert not train & test and len(train | test) == 40
    assert files(0) == (train, test) != files(1)


def test_a_test_part_of_its_own_is_kept(make_folder: MakeFolder) -> None:
    make_folder("pets/train", {"dog": 6, "cat": 4})
    root = make_folder("pets/test", {"dog": 1, "cat": 2}).parent
    data = load(root)
    assert torch.bincount(data.train.labels).tolist() == [4, 6]
    assert torch.bincount(data.test.labels).tolist() == [2, 1]


def test_a_training_part_alone_is_split(make_folder: MakeFolder) -> None:
    root = make_folder("pets/train", {"dog": 10, "cat": 10}).parent
    data = load(root)
    assert data.classes == ("cat", "dog") and (len(data.train), len(data.test)) == (16, 4)


def test_train_may_be_the_name_of_a_class(make_folder: MakeFolder) -> None:
    assert load(make_folder("vehicles", {"train": 5, "bus": 5})).classes == ("bus", "train")


def test_images_are_what_read_image_gives(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 5, "cat": 5}, "jpg")
    on_disk = load(root, memory_limit=0, image_size=9, channels=1)
    in_memory = load(root, image_size=9, channels=1)
    assert isinstance(on_disk.train, DiskImages) and isinstance(in_memory.train, MemoryImages)
    expected = torch.stack([read_image(path, 9, 1) for path in on_disk.train.paths])
    assert torch.equal(in_memory.train.images, expected)


def test_the_memory_limit_counts_bytes_of_both_parts(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 5, "cat": 5})
    needed = 10 * 3 * 8 * 8
    in_memory = load(root, image_size=8, memory_limit=needed).train
    on_disk = load(root, image_size=8, memory_limit=needed - 1).train
    assert isinstance(in_memory, MemoryImages) and isinstance(on_disk, DiskImages)


def test_other_and_hidden_files_are_passed_over(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 5, "cat": 5})
    (root / "README.txt").write_text("about")
    (root / ".cache").mkdir()
    (root / "dog" / "notes.txt").write_text("about")
    (root / "dog" / ".thumbnails").mkdir()
    (root / "dog" / ".thumbnails" / "000.png").write_bytes((root / "dog" / "000.png").read_bytes())
    (root / "dog" / "._000.png").write_bytes(b"resource fork")
    data = load(root)
    assert data.classes == ("cat", "dog") and len(data.train) + len(data.test) == 10


def refused(root: Path | None, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        load(root, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_folder_named() -> None:
    assert refused(None) == (
        "--data-dir: found none, expected a folder with a sub-folder of images for each class; "
        "add --data-dir DIR"
    )


def test_a_missing_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == (
        f"--data-dir: found no folder {tmp_path / 'nowhere'}, expected a folder with a "
        "sub-folder of images for each class; name another or make it"
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        f"--data-dir: found no folders in {tmp_path}, expected one for each class; put the images "
        f"of each class in {tmp_path}/CLASS"
    )


def test_images_without_class_folders(make_folder: MakeFolder) -> None:
    root = make_folder("flat", {"train": 5, "test": 5})
    assert refused(root).startswith(f"--data-dir: found no folders in {root / 'train'}, expected ")


def test_one_class_only(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 5})
    assert refused(root) == (
        f"--data-dir: found only one class in {root} (dog), expected at least two; add a folder of "
        "images for each class"
    )


def test_a_class_without_images(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 5, "cat": 0})
    message = f"--data-dir: found 0 images in {root / 'cat'}, expected at least 3; add images ("
    assert refused(root).startswith(message)


def test_a_class_with_too_few_images(make_folder: MakeFolder) -> None:
    root = make_folder("pets", {"dog": 2, "cat": 3})
    message = f"--data-dir: found 2 images in {root / 'dog'}, expected at least 3; add images ("
    assert refused(root).startswith(message)


def test_a_test_part_with_other_classes(make_folder: MakeFolder) -> None:
    make_folder("pets/train", {"dog": 5, "cat": 5})
    root = make_folder("pets/test", {"dog": 5, "cow": 5}).parent
    assert refused(root) == (
        f"--data-dir: found cat, cow in only one of {root / 'train'} and {root / 'test'}, expected "
        "the same classes in both; give both the same folders"
    )


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_broken_image_in_memory(make_folder: MakeFolder, part: str, workers: int) -> None:
    make_folder("pets/train", {"dog": 50, "cat": 50})
    root = make_folder("pets/test", {"dog": 5, "cat": 5}).parent
    broken = root / part / "dog" / "003.png"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(DataError) as caught:
        labelled("folder", data_dir=root, workers=workers)
    assert str(caught.value).startswith(f"{broken}: found no readable image (")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_broken_image_on_disk_is_found_before_training(
    make_folder: MakeFolder, part: str
) -> None:
    make_folder("pets/train", {"dog": 5, "cat": 5})
    root = make_folder("pets/test", {"dog": 5, "cat": 5}).parent
    broken = root / part / "dog" / "003.png"
    broken.write_bytes(b"no image")
    with pytest.raises(DataError, match=f"^{broken}: found no readable image"):
        channel_statistics(load(root, memory_limit=0).train)
