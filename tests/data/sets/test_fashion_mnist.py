"""Fashion-MNIST from tiny made-up idx files in each known layout."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from loading import labelled
from torchvision.datasets import FashionMNIST

from pdas.data.images import ImageData, MemoryImages
from pdas.data.sets import fashion_mnist
from pdas.support.errors import DataError, SettingError

COUNTS = {"train": 12, "t10k": 4}


def idx(values: np.ndarray) -> bytes:
    """The idx format of unsigned bytes, as http://yann.lecun.com/exdb/mnist defines it."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def contents() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    files = {}
    for part, n in COUNTS.items():
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = idx(images)
        files[f"{part}-labels-idx1-ubyte"] = idx((np.arange(n) % 10).astype(np.uint8))
    return files


def write(folder: Path, packed: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a machine that reaches no network."""

    def fail(*args: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", fail)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def check(data: ImageData) -> None:
    assert data.classes == tuple(FashionMNIST.classes)
    assert (data.channels, data.size) == (1, 28)
    for part, source in (("train", data.train), ("t10k", data.test)):
        assert isinstance(source, MemoryImages)
        images = contents()[f"{part}-images-idx3-ubyte"][16:]
        assert source.images.numpy().tobytes() == images
        assert source.labels.tolist() == [i % 10 for i in range(COUNTS[part])]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("layout", [".", "FashionMNIST/raw"])
def test_layouts_in_a_folder(tmp_path: Path, layout: str, packed: bool) -> None:
    write(tmp_path / "data" / layout, packed)
    check(labelled("fashion-mnist", data_dir=tmp_path / "data"))


def test_the_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN", write(tmp_path / "package", packed=True))
    check(labelled("fashion-mnist"))


def test_files_are_unpacked_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "data", packed=True)
    labelled("fashion-mnist", data_dir=folder)
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 4
    monkeypatch.setattr(fashion_mnist, "_write", None)
    check(labelled("fashion-mnist", data_dir=folder))


def test_other_files_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", packed=True)
    labelled("fashion-mnist", data_dir=folder)
    labels = idx(np.full(COUNTS["t10k"], 7, dtype=np.uint8))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    assert labelled("fashion-mnist", data_dir=folder).test.labels.tolist() == [7] * 4


def refused(data_dir: Path | None) -> str:
    with pytest.raises(DataError) as caught:
        labelled("fashion-mnist", data_dir=data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "nowhere")
    assert refused(None) == (
        f"--data-dir: found no Fashion-MNIST in {tmp_path / 'nowhere'}, expected it there; "
        "add --data-dir DIR or `apt-get install dataset-fashion-mnist`"
    )


def test_a_missing_folder(tmp_path: Path) -> None:
    message = refused(tmp_path / "nowhere")
    assert message.startswith(f"--data-dir: found no folder {tmp_path / 'nowhere'}, expected ")


def test_a_folder_without_the_files_that_cannot_be_downloaded(tmp_path: Path) -> None:
    message = refused(tmp_path)
    assert message.startswith(f"--data-dir: found no Fashion-MNIST in {tmp_path}, ")
    assert "`apt-get install dataset-fashion-mnist`" in message


def test_one_file_of_four_missing(tmp_path: Path) -> None:
    (write(tmp_path / "data", packed=True) / "t10k-labels-idx1-ubyte.gz").unlink()
    message = refused(tmp_path / "data")
    assert message.startswith(
        f"--data-dir: found no t10k-labels-idx1-ubyte in {tmp_path / 'data'}, expected it, "
    )


def test_a_broken_gzip_file(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "data", packed=True) / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for content in (whole[:-100], whole[:500] + bytes(100) + whole[600:], b"no gzip"):
        path.write_bytes(content)
        message = refused(tmp_path / "data")
        assert message.startswith(f"{path}: found a broken gzip file (")
        assert not list(cache.rglob("train-images*"))


NO_IMAGE = idx(np.zeros((0, 28, 28), dtype=np.uint8))
NO_LABEL = idx(np.zeros(0, dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train-images-idx3-ubyte", b""),
        ("train-images-idx3-ubyte", b"\0\0\x08"),
        ("train-images-idx3-ubyte", contents()["train-images-idx3-ubyte"][:-1]),
        ("train-images-idx3-ubyte", NO_IMAGE),
        ("t10k-labels-idx1-ubyte", contents()["t10k-labels-idx1-ubyte"][:-1]),
        ("t10k-labels-idx1-ubyte", NO_LABEL),
    ],
)
def test_a_broken_idx_file(tmp_path: Path, name: str, content: bytes) -> None:
    path = write(tmp_path / "data", packed=False) / name
    path.write_bytes(content)
    assert refused(tmp_path / "data") == (
        f"{path}: found a broken or empty idx file, expected a whole one; fetch it again"
    )


@pytest.mark.parametrize("labels", [[3] * 11, [0] * 11 + [10]])
def test_labels_that_do_not_fit(tmp_path: Path, labels: list[int]) -> None:
    path = write(tmp_path / "data", packed=False) / "train-labels-idx1-ubyte"
    path.write_bytes(idx(np.array(labels, dtype=np.uint8)))
    assert refused(tmp_path / "data") == (
        f"{path}: found {len(labels)} labels up to {max(labels)}, expected 12 up to 9; fetch it "
        f"and {tmp_path / 'data' / 'train-images-idx3-ubyte'} again"
    )


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    message = refused(write(tmp_path / "data", packed=True))
    assert message.startswith(f"XDG_CACHE_HOME: found {tmp_path / 'file'}/pdas/fashion-mnist, ")


def test_more_than_the_memory_limit(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", packed=False)
    message = r"^data\.image_size: found 2000, .*expected at most 0\.0 GiB; .*data\.memory_limit$"
    with pytest.raises(SettingError, match=message):
        labelled("fashion-mnist", data_dir=folder, image_size=2000, memory_limit=10**7)


def test_the_memory_limit_counts_the_channels_in_use(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", packed=False)
    grey = {"data_dir": folder, "image_size": 32, "memory_limit": 16 * 32 * 32}
    assert labelled("fashion-mnist", **grey).train.image_shape == (1, 32, 32)
    for more in ({"channels": 3}, {"memory_limit": 16 * 32 * 32 - 1}):
        with pytest.raises(SettingError, match=r"^data\.image_size: found 32, "):
            labelled("fashion-mnist", **grey | more)
