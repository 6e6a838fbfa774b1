"""Sets for inpainting by name: defaults, grey images in colour, settings out of range."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.data import ImageData, MemoryImages, load_images, load_restoration_images
from pdas.data.sets import fashion_mnist
from pdas.support.errors import DataError, PdasWarning, SettingError

MakeFolder = Callable[..., Path]


@pytest.fixture
def tiny_fashion_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """12 and 4 images in the place of Debian's package, with a cache of their own."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "package"
    folder.mkdir()
    for part, n in (("train", 12), ("t10k", 4)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            packed = gzip.compress(head + values.tobytes())
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(packed)
    monkeypatch.setattr(fashion_mnist, "DEBIAN", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def images(data: ImageData) -> torch.Tensor:
    assert isinstance(data.train, MemoryImages) and isinstance(data.test, MemoryImages)
    return torch.cat([data.train.images, data.test.images])


@pytest.mark.usefixtures("tiny_fashion_mnist")
def test_fashion_mnist_is_grey_and_32_unless_told_otherwise() -> None:
    data = load_restoration_images("fashion-mnist")
    assert data.train.image_shape == (1, 32, 32)
    assert data.test.labels.tolist() == [0, 1, 2, 3] and len(data.classes) == 10
    assert torch.equal(images(data), images(load_images("fashion-mnist", image_size=32)))
    original = images(load_restoration_images("fashion-mnist", image_size=28))
    assert torch.equal(original, images(load_images("fashion-mnist")))


@pytest.mark.usefixtures("tiny_fashion_mnist")
def test_fashion_mnist_in_colour_is_said_once() -> None:
    with pytest.warns(PdasWarning) as caught:
        data = load_restoration_images("fashion-mnist", channels=3)
    (warning,) = caught
    assert str(warning.message) == "data: 16 of 16 images are grey; converted to colour"
    colour = images(data)
    assert data.train.image_shape == (3, 32, 32)
    assert torch.equal(colour, colour[:, :1].expand_as(colour))


@pytest.mark.parametrize(("grey", "verb"), [(3, "are"), (1, "is")])
@pytest.mark.parametrize("crops", [None, 4])
def test_grey_files_in_colour_are_counted_once(
    make_folder: MakeFolder, grey: int, verb: str, crops: int | None
) -> None:
    root = make_folder("pictures", {".": 10})
    for i in range(grey):
        pixels = np.random.default_rng(i).integers(0, 256, (12, 20), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"00{i}.png")
    settings = {"data_dir": root, "image_size": 8, "crops": crops, "workers": 0}
    with pytest.warns(PdasWarning) as caught:
        load_restoration_images("folder", **settings)
    (warning,) = caught
    assert str(warning.message) == f"data: {grey} of 10 images {verb} grey; converted to colour"
    assert load_restoration_images("folder", channels=1, **settings).channels == 1  # silent


def test_an_unknown_name() -> None:
    with pytest.raises(DataError) as caught:
        load_restoration_images("digits")
    assert str(caught.value) == (
        "data.name: found 'digits', expected one of photos, fashion-mnist, svhn, celeba, cars, "
        "folder"
    )


@pytest.mark.parametrize("name", ["fashion-mnist", "svhn", "celeba", "cars"])
def test_crops_where_there_are_none(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_restoration_images(name, crops=3)
    assert str(caught.value) == (
        f"data.crops: found 3 for {name}, expected none but for photos and folder; leave it out"
    )


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("crops", 0, "at least 1; "),
        ("image_size", 0, "at least 1; "),
        ("channels", 2, "1 (grey) or 3 (RGB); "),
        ("test_fraction", 1.0, "more than 0 and less than 1; "),
        ("workers", -1, "at least 0; "),
    ],
)
@pytest.mark.parametrize("name", ["photos", "folder"])
def test_settings_out_of_range(name: str, setting: str, value: float, expected: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_restoration_images(name, **{setting: value})
    assert str(caught.value).startswith(f"data.{setting}: found {value}, expected {expected}")
