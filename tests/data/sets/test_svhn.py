"""SVHN from tiny made-up files in its format, known to torchvision by checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from loading import restoration
from scipy.io import savemat
from torchvision.datasets import SVHN

from pdas.data.images import ImageData, MemoryImages
from pdas.support.errors import DataError, SettingError

DIGITS = {"train": [1, 10, 3, 9, 10], "test": [2, 10]}  # 10 stands for 0


def pixels(part: str) -> np.ndarray:
    """(32, 32, 3, N), as in the file."""
    shape = (32, 32, 3, len(DIGITS[part]))
    return np.random.default_rng(len(part)).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", fail)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {}
    for part, digits in DIGITS.items():
        path = tmp_path / f"{part}_32x32.mat"
        savemat(path, {"X": pixels(part), "y": np.array(digits, np.uint8).reshape(-1, 1)})
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        files[part] = [f"http://localhost/{path.name}", path.name, md5]
    monkeypatch.setattr(SVHN, "split_list", files)
    return tmp_path


def load(root: Path | None, **settings: object) -> ImageData:
    return restoration("svhn", data_dir=root, **settings)


def test_images_and_labels_are_those_of_the_files(root: Path) -> None:
    data = load(root, image_size=32)
    assert data.classes == tuple("0123456789")
    for part, source in (("train", data.train), ("test", data.test)):
        assert isinstance(source, MemoryImages)
        for i, image in enumerate(source.images):
            assert np.array_equal(image.permute(1, 2, 0).numpy(), pixels(part)[..., i])
        assert source.labels.tolist() == [digit % 10 for digit in DIGITS[part]]


def test_they_are_resized_to_64_unless_told_otherwise(root: Path) -> None:
    assert load(root).train.image_shape == (3, 64, 64)
    assert load(root, channels=1, image_size=16).test.image_shape == (1, 16, 16)


def test_too_large_for_memory(root: Path) -> None:
    with pytest.raises(SettingError, match=r"^data\.image_size: found 64, for which svhn takes "):
        load(root, memory_limit=7 * 3 * 64 * 64 - 1)


def test_a_broken_file(root: Path) -> None:
    (root / "train_32x32.mat").write_bytes(b"broken")
    with pytest.raises(DataError) as caught:
        load(root)
    assert str(caught.value) == (
        f"--data-dir: found no whole SVHN in {root}, nor could it be downloaded, expected "
        "train_32x32.mat and test_32x32.mat; put them there from "
        "http://ufldl.stanford.edu/housenumbers"
    )


def test_no_folder_named() -> None:
    message = r"^--data-dir: found none, expected a folder with SVHN, or to download it into; "
    with pytest.raises(DataError, match=message):
        load(None)
