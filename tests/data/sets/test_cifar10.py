"""CIFAR-10 from tiny made-up files in its format, known to torchvision by checksum."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from loading import labelled
from torchvision.datasets import CIFAR10

from pdas.data.images import ImageData, MemoryImages
from pdas.support.errors import DataError


def images(data: ImageData) -> torch.Tensor:
    assert isinstance(data.train, MemoryImages) and isinstance(data.test, MemoryImages)
    return torch.cat([data.train.images, data.test.images])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", fail)


def test_cifar10_without_a_folder() -> None:
    message = (
        r"^--data-dir: found none, expected a folder with cifar-10-python\.tar\.gz, or to download "
        r"it into; add --data-dir DIR$"
    )
    with pytest.raises(DataError, match=message):
        labelled("cifar10")


def test_cifar10_in_a_missing_folder(tmp_path: Path) -> None:
    message = (
        f"^--data-dir: found no folder {tmp_path / 'nowhere'}, expected a folder with cifar-10"
    )
    with pytest.raises(DataError, match=message):
        labelled("cifar10", data_dir=tmp_path / "nowhere")


@pytest.mark.usefixtures("no_network")
def test_cifar10_that_cannot_be_downloaded(tmp_path: Path) -> None:
    message = f"^--data-dir: found no whole CIFAR-10 in {tmp_path}, .* expected cifar-10-python"
    with pytest.raises(DataError, match=message):
        labelled("cifar10", data_dir=tmp_path)


@pytest.fixture
def tiny_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five training files of 4 images and a test file of 3, known to torchvision by checksum."""
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)

    def write(name: str, content: dict[str, object]) -> str:
        packed = pickle.dumps(content)
        (folder / name).write_bytes(packed)
        return hashlib.md5(packed).hexdigest()

    def batch(n: int) -> dict[str, object]:
        data = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
        return {"data": data, "labels": [int(row[0]) % 10 for row in data]}

    train = [[f"data_batch_{i}", write(f"data_batch_{i}", batch(4))] for i in range(1, 6)]
    meta = {"label_names": [f"class {i}" for i in range(10)]}
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", write("test_batch", batch(3))]])
    monkeypatch.setitem(CIFAR10.meta, "md5", write("batches.meta", meta))
    return tmp_path


@pytest.mark.usefixtures("no_network")
def test_cifar10_from_its_files(tiny_cifar10: Path) -> None:
    data = labelled("cifar10", data_dir=tiny_cifar10)
    assert data.classes == tuple(f"class {i}" for i in range(10))
    assert (len(data.train), len(data.test)) == (20, 3)
    assert data.train.image_shape == data.test.image_shape == (3, 32, 32)
    with (tiny_cifar10 / CIFAR10.base_folder / "test_batch").open("rb") as file:
        content = pickle.load(file)
    assert isinstance(data.test, MemoryImages)
    assert np.array_equal(data.test.images.numpy().reshape(3, -1), content["data"])
    assert data.test.labels.tolist() == content["labels"]


@pytest.mark.usefixtures("no_network")
def test_cifar10_in_grey(tiny_cifar10: Path) -> None:
    colour = images(labelled("cifar10", data_dir=tiny_cifar10))
    grey = images(labelled("cifar10", data_dir=tiny_cifar10, channels=1))
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    expected = (colour * weights).sum(1, keepdim=True)
    assert grey.shape == (23, 1, 32, 32) and (grey - expected).abs().max() < 1.1


@pytest.mark.usefixtures("no_network")
def test_cifar10_with_a_broken_file(tiny_cifar10: Path) -> None:
    (tiny_cifar10 / CIFAR10.base_folder / "data_batch_3").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"^--data-dir: found no whole CIFAR-10 in "):
        labelled("cifar10", data_dir=tiny_cifar10)
