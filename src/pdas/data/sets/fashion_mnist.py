"""Fashion-MNIST from idx files: torchvision's layout, a folder of the four files, or Debian's.

torchvision's reader wants unpacked files, so gzip files are unpacked once into a cache.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from pdas.support.errors import DataError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LAYOUTS = (Path("."), Path("FashionMNIST/raw"))  # four files in the folder, or torchvision's
PARTS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def read_fashion_mnist(
    data_dir: Path | None,
    download: bool = True,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[str, ...]]:
    """Training and test images, uint8 (N, 1, 28, 28), with their labels, and the classes.

    They are read from `data_dir`, and, if `download`, downloaded into it if they are not there;
    without `data_dir`, from Debian's package dataset-fashion-mnist.

    Raises:
        DataError: the files are missing and cannot be downloaded, or are broken.
    """
    files = _find(data_dir or DEBIAN)
    if files is None and data_dir is not None and download:
        _download(data_dir)
        files = _find(data_dir)
    if files is None:
        raise DataError(
            f"--data-dir: found no Fashion-MNIST in {data_dir or DEBIAN}, expected it there; add "
            "--data-dir DIR or `apt-get install dataset-fashion-mnist`"
        )
    train, test = (_read(*(files[name] for name in PARTS[part])) for part in ("train", "test"))
    return train, test, CLASSES


def _find(root: Path) -> dict[str, Path] | None:
    """The four files, unpacked or not, in one of the known layouts below `root`."""
    names = [name for pair in PARTS.values() for name in pair]
    for layout in LAYOUTS:
        candidates = {name: [root / layout / name, root / layout / f"{name}.gz"] for name in names}
        found = {
            name: next((path for path in paths if path.is_file()), None)
            for name, paths in candidates.items()
        }
        if present := {name: path for name, path in found.items() if path is not None}:
            if missing := [name for name in names if name not in present]:
                raise DataError(
                    f"--data-dir: found no {missing[0]} in {root / layout}, expected it, or its "
                    ".gz, beside the other files; complete the folder"
                )
            return present
    return None


def _download(data_dir: Path) -> None:
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(str(data_dir), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"--data-dir: found no Fashion-MNIST in {data_dir}, nor could it be downloaded, "
            f"expected {PARTS['train'][0]}.gz and its companions; put them there, or `apt-get "
            "install dataset-fashion-mnist` and leave out --data-dir"
        ) from error


def _read(image_file: Path, label_file: Path) -> tuple[Tensor, Tensor]:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    images = _read_idx(read_image_file, image_file)
    labels = _read_idx(read_label_file, label_file)
    if len(images) != len(labels) or int(labels.max()) >= len(CLASSES):
        raise DataError(
            f"{label_file}: found {len(labels)} labels up to {int(labels.max())}, expected "
            f"{len(images)} up to {len(CLASSES) - 1}; fetch it and {image_file} again"
        )
    return images.unsqueeze(1), labels


def _read_idx(read: Callable[[str], Tensor], path: Path) -> Tensor:
    unpacked = _unpacked(path)
    try:
        return read(str(unpacked))
    except Exception as error:  # the reader asserts, indexes and reshapes on trust
        raise DataError(
            f"{path}: found a broken or empty idx file, expected a whole one; fetch it again"
        ) from error


def _unpacked(path: Path) -> Path:
    """The file itself, or its unpacked copy in the cache, named after the packed content."""
    if path.suffix != ".gz":
        return path
    target = _cache() / f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if target.is_file():
        return target
    try:
        _unpack(path, target)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{path}: found a broken gzip file, expected a whole one; fetch it again"
        ) from error
    except OSError as error:
        raise DataError(
            f"XDG_CACHE_HOME: found {target.parent}, where {path} cannot be unpacked "
            f"({error.strerror}), expected a folder that can be written; set it to one"
        ) from error
    return target


def _unpack(path: Path, target: Path) -> None:
    """Unpack beside the target and rename, so that a target that exists is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        unfinished = Path(scratch) / target.name
        with gzip.open(path) as packed, unfinished.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        os.replace(unfinished, target)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pdas" / "fashion-mnist"
