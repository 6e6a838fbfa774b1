"""Folders of images without classes: layouts, squares and crops, and every one that will not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from loading import restoration
from PIL import Image

from pdas.data.disk import DiskImages
from pdas.data.images import ImageData, MemoryImages
from pdas.support.errors import DataError

MakeFolder = Callable[..., Path]  # of images of 20x12


def load(root: Path | None, **settings: object) -> ImageData:
    return restoration("folder", data_dir=root, workers=0, **settings)


def files(data: ImageData) -> tuple[list[str], list[str]]:
    assert isinstance(data.train, DiskImages) and isinstance(data.test, DiskImages)
    return list(data.train.paths), list(data.test.paths)


def by_hand(path: str, box: tuple[int, int, int, int], size: int) -> torch.Tensor:
    with Image.open(path) as image:
        pixels = np.array(image.crop(box).resize((size, size), Image.Resampling.BILINEAR))
    return torch.from_numpy(pixels).permute(2, 0, 1)


@pytest.mark.parametrize("folders", [{".": 10}, {".": 1, "a": 5, "b/c": 4}])
def test_flat_and_nested_folders_are_split(
    make_folder: MakeFolder, folders: dict[str, int]
) -> None:
    root = make_folder("pictures", folders)
    train, test = files(load(root, memory_limit=0, test_fraction=0.3))
    assert (len(train), len(test)) == (7, 3)
    assert set(train) | set(test) == {str(path) for path in root.rglob("*.png")}


def test_the_seed_decides_what_is_held_out(make_folder: MakeFolder) -> None:
    root = make_folder("pictures", {".": 20})
    first, again, other = (files(load(root, memory_limit=0, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_a_test_part_of_its_own_is_kept(make_folder: MakeFolder) -> None:
    make_folder("pictures/train", {".": 2})
    root = make_folder("pictures/test", {"deeper": 1}).parent
    data = load(root)
    assert (len(data.train), len(data.test)) == (2, 1)
    assert data.classes == ("image",)
    assert data.train.labels.tolist() == [0, 0] and data.test.labels.tolist() == [0]
    assert data.train.image_shape == (3, 64, 64)


def test_without_crops_images_are_their_central_squares(make_folder: MakeFolder) -> None:
    root = make_folder("pictures", {".": 6})
    on_disk, in_memory = load(root, image_size=8, memory_limit=0), load(root, image_size=8)
    assert isinstance(on_disk.train, DiskImages) and isinstance(in_memory.train, MemoryImages)
    expected = torch.stack([by_hand(path, (4, 0, 16, 12), 8) for path in on_disk.train.paths])
    assert torch.equal(in_memory.train.images, expected)
    assert torch.equal(on_disk.train.read().images, expected)


def test_crops_are_cut_at_full_resolution(make_folder: MakeFolder) -> None:
    root = make_folder("pictures", {".": 6})
    settings = {"image_size": 8, "crops": 5, "memory_limit": 0}
    data = load(root, **settings)
    train, test = files(data)
    assert len(train) == 5 * len(set(train)) == 25 and len(test) == 1
    assert isinstance(data.train, DiskImages) and isinstance(data.test, DiskImages)
    assert data.train.boxes is not None and len(set(data.train.boxes)) > 10
    for path, box, image in zip(train, data.train.boxes, data.train.read().images, strict=True):
        left, top, right, bottom = box
        with Image.open(path) as opened:
            pixels = np.array(opened)[top:bottom, left:right]
        assert np.array_equal(image.permute(1, 2, 0).numpy(), pixels)
    assert torch.equal(data.test.read().images[0], by_hand(test[0], (6, 2, 14, 10), 8))
    again, other = (load(root, seed=seed, **settings).train for seed in (0, 1))
    assert isinstance(again, DiskImages) and isinstance(other, DiskImages)
    assert data.train.boxes == again.boxes != other.boxes


def test_a_photograph_on_its_side_is_cropped_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (12, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png", exif=exif)
    data = load(tmp_path, image_size=12, memory_limit=0)
    assert isinstance(data.train, DiskImages)
    assert data.train.boxes == [(0, 4, 12, 16)] * 2
    with Image.open(data.train.paths[0]) as opened:
        upright = np.rot90(np.array(opened), k=-1)[4:16]
    assert np.array_equal(data.train.read().images[0].permute(1, 2, 0).numpy(), upright)


def refused(root: Path | None, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        load(root, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_folder_named(tmp_path: Path) -> None:
    expected = "expected a folder of images; "
    assert refused(None) == f"--data-dir: found none, {expected}add --data-dir DIR"
    missing = tmp_path / "nowhere"
    assert refused(missing).startswith(f"--data-dir: found no folder {missing}, {expected}")


def test_too_few_images(make_folder: MakeFolder) -> None:
    root = make_folder("few", {".": 2})
    message = f"--data-dir: found 2 images in {root}, expected at least 3; add images (.avif "
    assert refused(root).startswith(message)
    make_folder("parts/train", {".": 1})
    root = make_folder("parts/test", {".": 1}).parent
    assert refused(root).startswith(f"--data-dir: found 1 images in {root / 'train'}, expected ")


def test_too_large_a_test_part(make_folder: MakeFolder) -> None:
    assert refused(make_folder("few", {".": 3}), test_fraction=0.9) == (
        "data.test_fraction: found 0.9, which leaves 1 of 3 images for training, expected at least "
        "2; lower it or add images"
    )


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_smaller_than_a_crop(make_folder: MakeFolder, part: str) -> None:
    make_folder("pictures/train", {".": 4})
    root = make_folder("pictures/test", {".": 4}).parent
    for name in ("001.png", "003.png"):
        Image.new("RGB", (11, 9)).save(root / part / name)
    assert refused(root, image_size=12, crops=2) == refused(root, image_size=10, crops=2).replace(
        "10x10", "12x12"
    )
    assert refused(root, image_size=12, crops=2) == (
        f"{root / part / '001.png'}: found 11x9 pixels, one of 2 images smaller than a crop, "
        "expected at least 12x12; leave out data.crops, lower data.image_size or remove them"
    )
    assert load(root, image_size=9, crops=2).size == 9
    assert load(root, image_size=12).size == 12


@pytest.mark.parametrize("settings", [{}, {"memory_limit": 0}, {"crops": 2, "image_size": 8}])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_broken_image_is_named(
    make_folder: MakeFolder, part: str, settings: dict[str, int]
) -> None:
    make_folder("pictures/train", {".": 4})
    root = make_folder("pictures/test", {".": 4}).parent
    broken = root / part / "003.png"
    broken.write_bytes(broken.read_bytes()[:100])  # the header is whole
    assert refused(root, **settings).startswith(f"{broken}: found no readable image (")
    broken.write_bytes(b"no image")
    assert refused(root, **settings).startswith(f"{broken}: found no readable image (")
