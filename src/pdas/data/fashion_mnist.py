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
from pathlib import Path

from torch import Tensor

from pdas.errors import DataError

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
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[str, ...]]:
    """Training and test images, uint8 (N, 1, 28, 28), with their labels, and the classes.

    They are read from `data_dir`, and downloaded into it if they are not there; without
    `data_dir`, from Debian's package dataset-fashion-mnist.

    Raises:
        DataError: the files are missing and cannot be downloaded, or are broken.
    """
    files = _find(DEBIAN if data_dir is None else data_dir)
    if files is None and data_dir is not None:
        _download(data_dir)
        files = _find(data_dir)
    if files is None:
        raise DataError(
            f"no Fashion-MNIST in {data_dir or DEBIAN}: `apt-get install dataset-fashion-mnist`, "
            f"or name by --data-dir a folder that holds {PARTS['train'][0]}.gz and its companions"
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
                    f"no {missing[0]} or {missing[0]}.gz beside the other files in "
                    f"{root / layout}: complete the folder"
                )
            return present
    return None


def _download(data_dir: Path) -> None:
    from torchvision.datasets import FashionMNIST

    if not data_dir.is_dir():
        raise DataError(f"no folder {data_dir}: name one that holds Fashion-MNIST or make it")
    try:
        FashionMNIST(str(data_dir), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"no Fashion-MNIST in {data_dir}, and it could not be downloaded: "
            f"`apt-get install dataset-fashion-mnist` and leave out --data-dir, or put "
            f"{PARTS['train'][0]}.gz and its companions there"
        ) from error


def _read(image_file: Path, label_file: Path) -> tuple[Tensor, Tensor]:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    try:
        images = read_image_file(str(_unpacked(image_file)))
        labels = read_label_file(str(_unpacked(label_file)))
    except DataError:
        raise
    except Exception as error:  # the reader asserts, indexes and reshapes on trust
        raise DataError(
            f"{image_file} or {label_file} is not a whole idx file: fetch them again"
        ) from error
    if len(images) != len(labels) or not len(labels) or int(labels.max()) >= len(CLASSES):
        raise DataError(
            f"{image_file} holds {len(images)} images but {label_file} {len(labels)} labels, or "
            f"one above {len(CLASSES) - 1}: fetch them again"
        )
    return images.unsqueeze(1), labels


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
        raise DataError(f"{path} is not a whole gzip file: fetch it again") from error
    except OSError as error:
        raise DataError(
            f"cannot unpack {path} into {target.parent} ({error.strerror}): "
            "set XDG_CACHE_HOME to a folder that can be written"
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
