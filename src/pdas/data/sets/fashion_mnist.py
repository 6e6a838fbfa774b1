"""Fashion-MNIST from idx files: torchvision's layout, a folder of the four files, or Debian's.

torchvision's reader wants unpacked files, so gzip files are unpacked once into a cache.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.support.errors import DataError, reason
from pdas.support.opening import open_file, read_bytes
from pdas.support.refusals import refusal, refuse

if TYPE_CHECKING:
    from torch import Tensor

    from pdas.data.images import ImageData
    from pdas.data.reading import Arrays

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LAYOUTS = (Path("."), Path("FashionMNIST/raw"))  # four files in the folder, or torchvision's
PARTS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
SHAPE = (28, 28)
LARGEST = 10**8  # bytes of a file, unpacked; that of the training images has 47 million
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def read(request: Request) -> ImageData:
    """60,000 and 10,000 grey images, 28x28, with labels.

    They are read from `data_dir`, and downloaded into it if they are not there; if none is named,
    from Debian's package dataset-fashion-mnist.

    Raises:
        DataError: the files are missing and cannot be downloaded, or are broken.
    """
    from pdas.data.reading import from_arrays

    root = DEBIAN
    if request.data_dir is not None:
        root = request.folder("a folder with Fashion-MNIST, or to download it into")
    files = _find(root)
    if files is None and request.data_dir is not None and request.download:
        _download(root)
        files = _find(root)
    if files is None:
        remedy = "add --data-dir DIR or `apt-get install dataset-fashion-mnist`"
        _refuse(f"no Fashion-MNIST in {root}", "it there", remedy)
    train, test = (_read(*(files[name] for name in PARTS[part])) for part in ("train", "test"))
    return from_arrays(request, train, test, CLASSES)


def _refuse(found: str, expected: str, remedy: str) -> NoReturn:
    """Refuse the directory of the data."""
    refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)


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
                expected = "it, or its .gz, beside the other files"
                _refuse(f"no {missing[0]} in {root / layout}", expected, "complete the folder")
            return present
    return None


def _download(data_dir: Path) -> None:
    """Have torchvision download the files."""
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(str(data_dir), download=True)
    except (OSError, RuntimeError) as error:
        raise refusal(
            DataError,
            "--data-dir",
            found=f"no Fashion-MNIST in {data_dir}, nor could it be downloaded",
            expected=f"{PARTS['train'][0]}.gz and its companions",
            remedy="put them there, or `apt-get install dataset-fashion-mnist` and leave out "
            "--data-dir",
        ) from error


def _read(image_file: Path, label_file: Path) -> Arrays:
    """Images (N, 1, 28, 28) and labels of one part."""
    from torchvision.datasets.mnist import read_image_file, read_label_file

    images = _read_idx(read_image_file, image_file)
    labels = _read_idx(read_label_file, label_file)
    if images.shape[1:] != SHAPE or not len(images):
        raise _broken(image_file, f"file of images {tuple(images.shape)}, not (N, 28, 28)")
    if len(images) != len(labels) or int(labels.max()) >= len(CLASSES):
        refuse(
            DataError,
            str(label_file),
            found=f"{len(labels)} labels up to {max(labels.tolist(), default=0)}",
            expected=f"{len(images)} up to {len(CLASSES) - 1}",
            remedy=f"fetch it and {image_file} again",
        )
    return images.unsqueeze(1), labels


def _read_idx(read: Callable[[str], Tensor], path: Path) -> Tensor:
    """What torchvision's reader gives for one file."""
    unpacked = _unpacked(path)
    try:
        open_file(unpacked, LARGEST).close()
        return read(str(unpacked))
    except Exception as error:  # the reader asserts, indexes and reshapes on trust
        raise _broken(path, "broken or empty idx file") from error


def _broken(path: Path, found: str) -> Exception:
    """The refusal of one file."""
    expected, remedy = "a whole one", "fetch it again"
    return refusal(DataError, str(path), found=f"a {found}", expected=expected, remedy=remedy)


def _unpacked(path: Path) -> Path:
    """The file itself, or its unpacked copy in the cache, named after the packed content."""
    if path.suffix != ".gz":
        return path
    try:
        packed = read_bytes(path, LARGEST)
        target = _cache() / f"{path.stem}-{hashlib.sha256(packed).hexdigest()[:16]}"
        if target.is_file():
            return target
        content = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(LARGEST + 1)
    except (OSError, ValueError, zlib.error, EOFError) as error:
        raise _broken(path, f"broken gzip file ({reason(error)})") from error
    if len(content) > LARGEST:
        raise _broken(path, f"gzip file that stands for more than {LARGEST} bytes")
    try:
        _write(content, target)
    except OSError as error:
        raise refusal(
            DataError,
            "XDG_CACHE_HOME",
            found=f"{target.parent}, where {path} cannot be unpacked ({error.strerror})",
            expected="a folder that can be written",
            remedy="set it to one",
        ) from error
    return target


def _write(content: bytes, target: Path) -> None:
    """Write beside the target and rename, so that a target that exists is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        unfinished = Path(scratch) / target.name
        unfinished.write_bytes(content)
        os.replace(unfinished, target)


def _cache() -> Path:
    """Where unpacked files are kept."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pdas" / "fashion-mnist"


SETS.add("fashion-mnist", DataSet(read=read, labelled=Form(), restoration=Form(32)))
