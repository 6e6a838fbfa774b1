"""Images by their settings: the form of a set, grey images in colour, sets without crops."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from loading import labelled, restoration
from PIL import Image

from pdas.data.images import ImageData, MemoryImages
from pdas.data.sets import fashion_mnist
from pdas.support.errors import PdasWarning, SettingError

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
    data = restoration("fashion-mnist")
    assert data.train.image_shape == (1, 32, 32)
    assert data.test.labels.tolist() == [0, 1, 2, 3] and len(data.classes) == 10
    assert torch.equal(images(data), images(labelled("fashion-mnist", image_size=32)))
    original = images(restoration("fashion-mnist", image_size=28))
    assert torch.equal(original, images(labelled("fashion-mnist")))


@pytest.mark.usefixtures("tiny_fashion_mnist")
def test_fashion_mnist_in_colour_is_said_once() -> None:
    with pytest.warns(PdasWarning) as caught:
        data = restoration("fashion-mnist", channels=3)
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
        restoration("folder", **settings)
    (warning,) = caught
    assert str(warning.message) == f"data: {grey} of 10 images {verb} grey; converted to colour"
    assert restoration("folder", channels=1, **settings).channels == 1  # silent


@pytest.mark.parametrize("name", ["fashion-mnist", "svhn", "celeba", "cars"])
def test_crops_where_there_are_none(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        restoration(name, crops=3)
    assert str(caught.value) == (
        f"data.crops: found 3 for {name}, expected none but for folder and photos; leave it out"
    )
