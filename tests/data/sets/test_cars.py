"""Stanford Cars from a tiny made-up copy of its layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from loading import restoration
from PIL import Image
from scipy.io import savemat

from pdas.data.images import ImageData, MemoryImages
from pdas.support.errors import DataError

Corners = tuple[int, int, int, int]  # x1 y1 x2 y2, from 1, the last inclusive

TRAIN: list[Corners] = [(1, 1, 48, 40), (39, 6, 300, 36), (10, 20, 10, 20)]
TEST: list[Corners] = [(3, 5, 30, 33)]
FIELDS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def annotate(path: Path, boxes: list[Corners], labels: bool) -> None:
    """A struct array (1, N) with fields of mixed small integers, as in the development kit."""
    names = [*FIELDS, *(["class"] if labels else []), "fname"]
    records = np.empty((1, len(boxes)), dtype=[(name, object) for name in names])
    for i, box in enumerate(boxes):
        for name, value in zip(FIELDS, box, strict=True):
            records[0, i][name] = np.array([[value]], np.uint16 if value > 255 else np.uint8)
        if labels:
            records[0, i]["class"] = np.array([[i + 1]], np.uint8)
        records[0, i]["fname"] = f"{i + 1:05}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": records})


def images(folder: Path, n: int) -> None:
    folder.mkdir(parents=True)
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i + 1:05}.jpg")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "cars"
    images(root / "cars_train", len(TRAIN))
    images(root / "cars_test", len(TEST))
    annotate(root / "devkit" / "cars_train_annos.mat", TRAIN, labels=True)
    annotate(root / "devkit" / "cars_test_annos.mat", TEST, labels=False)
    return root


def load(root: Path | None, **settings: object) -> ImageData:
    return restoration("cars", data_dir=root, image_size=8, workers=0, **settings)


def by_hand(path: Path, corners: Corners) -> torch.Tensor:
    with Image.open(path) as image:
        pixels = np.array(image)
    x1, y1, x2, y2 = corners
    car = Image.fromarray(pixels[y1 - 1 : y2, x1 - 1 : x2])
    resized = np.array(car.resize((8, 8), Image.Resampling.BILINEAR))
    return torch.from_numpy(resized).permute(2, 0, 1)


def check(data: ImageData, root: Path) -> None:
    parts = ((data.train, "cars_train", TRAIN), (data.test, "cars_test", TEST))
    for source, folder, boxes in parts:
        assert isinstance(source, MemoryImages)
        cars = [by_hand(root / folder / f"{i:05}.jpg", box) for i, box in enumerate(boxes, 1)]
        assert torch.equal(source.images, torch.stack(cars))
        assert source.labels.tolist() == [0] * len(boxes)
    assert data.classes == ("image",)


def test_cars_are_cropped_to_their_boxes(root: Path) -> None:
    check(load(root), root)


@pytest.mark.parametrize("folder", ["devkit", "."])
def test_test_annotations_with_labels(root: Path, folder: str) -> None:
    (root / "devkit" / "cars_test_annos.mat").unlink()
    annotate(root / folder / "cars_test_annos_withlabels.mat", TEST, labels=True)
    check(load(root), root)


def refused(root: Path | None) -> str:
    with pytest.raises(DataError) as caught:
        load(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


LAYOUT = (
    "cars_train/*.jpg, cars_test/*.jpg, devkit/cars_train_annos.mat, devkit/cars_test_annos.mat"
)


def test_no_folder_named() -> None:
    expected = f"--data-dir: found none, expected Stanford Cars: {LAYOUT}; add --data-dir DIR"
    assert refused(None) == expected


@pytest.mark.parametrize(
    "name",
    ["cars_train", "cars_test", "devkit/cars_train_annos.mat", "devkit/cars_test_annos.mat"],
)
def test_a_partial_layout(root: Path, name: str) -> None:
    (root / name).rename(root / "elsewhere")
    assert refused(root) == (
        f"--data-dir: found no {name} in {root}, expected the layout of Stanford Cars: {LAYOUT}; "
        "add it"
    )


def test_a_missing_image(root: Path) -> None:
    (root / "cars_train" / "00002.jpg").unlink()
    assert refused(root) == (
        f"--data-dir: found no 00002.jpg in {root / 'cars_train'}, one of 1 that "
        f"{root / 'devkit' / 'cars_train_annos.mat'} names, expected all of them; complete the "
        "folder"
    )


def test_a_broken_image(root: Path) -> None:
    path = root / "cars_test" / "00001.jpg"
    path.write_bytes(b"no image")
    assert refused(root).startswith(f"{path}: found no readable image (")


def test_broken_annotations(root: Path) -> None:
    path = root / "devkit" / "cars_test_annos.mat"
    path.write_bytes(b"no annotations")
    assert refused(root).startswith(f"{path}: found no annotations of Stanford Cars (")
    savemat(path, {"boxes": np.ones(3)})
    assert refused(root).startswith(f"{path}: found no annotations of Stanford Cars (")
    savemat(path, {"annotations": np.ones(3)})
    assert refused(root).startswith(f"{path}: found no annotations of Stanford Cars (")


def test_too_few_annotations(root: Path) -> None:
    path = root / "devkit" / "cars_train_annos.mat"
    annotate(path, TRAIN[:1], labels=True)
    assert refused(root) == f"{path}: found 1 images, expected at least 2; fetch it again"
