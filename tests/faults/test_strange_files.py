"""Whatever a file of someone else is, each reader ends at once, in one line that names it."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import pdas
from pdas import recipes
from pdas.data.decode import read_header, read_image
from pdas.data.load import load_images
from pdas.data.sets import cars as cars_set
from pdas.data.sets import fashion_mnist
from pdas.data.settings import LabelledDataSettings, RestorationDataSettings
from pdas.experiment.export import export
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.space import load_labels
from pdas.support import opening
from pdas.support.errors import PdasError
from pdas.tasks.description import read_network
from pdas.tasks.inpainting.samples import draw_samples
from pdas.tasks.recipe import recorded
from tests.faults.reported import reported
from tests.waiting import never_waits

Read = Callable[[Path], Any]

READERS: dict[str, tuple[str, Read]] = {
    "recipe": ("r.yaml", lambda folder: recipes.load(str(folder / "r.yaml"))),
    "architecture": ("architecture.json", lambda folder: load_labels(folder / "architecture.json")),
    "configuration": ("config.yaml", lambda folder: recorded(Run(folder))),
    "report, configuration": ("config.yaml", reported),
    "report, architecture": ("architecture.json", reported),
    "report, search": ("search.json", reported),
    "report, metrics": ("metrics.csv", reported),
    "report, theta": ("theta.npz", reported),
    "report, finalists": ("finalists.json", reported),
    "report, result": ("retrain-0/result.json", reported),
    "samples": (
        "retrain-0/restored.npz",
        lambda folder: draw_samples(folder / "retrain-0"),
    ),
    "result": ("retrain-0/result.json", pdas.load),
    "weights": ("retrain-0/weights.safetensors", pdas.load),
    "export": ("retrain-0/weights.safetensors", export),
    "network": (
        "retrain-0/export-state_dict/network.json",
        lambda folder: read_network(folder / "retrain-0/export-state_dict/network.json"),
    ),
    "checkpoint": (
        "kept/step-000000001.ckpt",
        lambda f: Checkpoints(f / "kept").load(),
    ),
    "image": ("a.png", lambda folder: read_image(folder / "a.png", 8, 3)),
    "header": ("a.png", lambda folder: read_header(folder / "a.png")),
    "boxes": ("celeba/list_bbox_celeba.txt", lambda folder: celeba(folder / "celeba")),
    "parts": ("celeba/list_eval_partition.txt", lambda folder: celeba(folder / "celeba")),
    "boxes of MATLAB": ("cars/devkit/cars_test_annos.mat", lambda folder: cars(folder / "cars")),
    "images of idx": ("idx/train-images-idx3-ubyte", lambda folder: fashion(folder / "idx")),
    "packed images": ("gz/train-images-idx3-ubyte.gz", lambda folder: fashion(folder / "gz")),
}


def celeba(folder: Path) -> Any:
    return load_images(RestorationDataSettings(name="celeba"), folder)


def cars(folder: Path) -> Any:
    return load_images(RestorationDataSettings(name="cars"), folder)


def fashion(folder: Path) -> Any:
    return load_images(LabelledDataSettings(name="fashion-mnist"), folder, download=False)


# ---- whole files of every kind


@pytest.fixture(scope="module")
def whole(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which each reader finds what it reads."""
    folder = tmp_path_factory.mktemp("strange") / "run"
    shutil.copytree(finished.path, folder)
    (folder / "r.yaml").write_text(recipes.dump(recipes.load("digits")))
    (folder / "finalists.json").write_text('{"finalists": [{"architecture": {}}]}')
    pixels = np.zeros((3, 1, 3, 8, 8), np.uint8)
    names = dict.fromkeys(("masked", "restored", "clean"), pixels)
    np.savez(folder / "retrain-0" / "restored.npz", psnr=np.ones((3, 1)), **names)
    export(folder)
    Checkpoints(folder / "kept").save(1, {"a": 1})
    Image.fromarray(pixels[0, 0, 0]).save(folder / "a.png")
    _write_celeba(folder / "celeba")
    _write_cars(folder / "cars")
    _write_idx(folder / "idx", lambda path, content: path.write_bytes(content))
    _write_idx(folder / "gz", _pack)
    return folder


def _write_images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for i in (1, 2, 3):
        Image.new("RGB", (8, 8)).save(folder / f"{i}.jpg")


def _write_celeba(folder: Path) -> None:
    _write_images(folder / "img_celeba")
    boxes = "".join(f"{i}.jpg 0 0 8 8\n" for i in (1, 2, 3))
    (folder / "list_bbox_celeba.txt").write_text(f"3\nname x y w h\n{boxes}")
    (folder / "list_eval_partition.txt").write_text("1.jpg 0\n2.jpg 0\n3.jpg 2\n")


def _write_cars(folder: Path) -> None:
    box = {"bbox_x1": 1, "bbox_y1": 1, "bbox_x2": 8, "bbox_y2": 8}
    (folder / "devkit").mkdir(parents=True)
    for part in ("train", "test"):
        _write_images(folder / f"cars_{part}")
        rows = [box | {"fname": f"{i}.jpg"} for i in (1, 2)]
        savemat(folder / "devkit" / f"cars_{part}_annos.mat", {"annotations": rows})


def _write_idx(folder: Path, write: Callable[[Path, bytes], object]) -> None:
    folder.mkdir()
    suffix = ".gz" if write is _pack else ""
    for part in ("train", "t10k"):
        images = bytes([0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(4 * 28 * 28)
        labels = bytes([0, 0, 8, 1, 0, 0, 0, 4]) + bytes([0, 1, 2, 3])
        write(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write(folder / f"{part}-labels-idx1-ubyte{suffix}", labels)


def _pack(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content))


@pytest.fixture
def folder(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(whole, tmp_path / "run"))


# ---- what may be in the place of one


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**13)


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(1000))


def _nothing(path: Path) -> None:
    path.touch()


TROUBLES: dict[str, Callable[[Path], None]] = {
    "a pipe": _pipe,
    "a device": _endless,
    "10 TB": _sparse,
    "a folder": Path.mkdir,
    "noise": _noise,
    "nothing": _nothing,
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_whole_is_read(folder: Path, reader: str) -> None:
    name, read = READERS[reader]
    assert (folder / name).is_file()
    if reader != "export":
        read(folder)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("reader", READERS)
def test_each_trouble_is_one_line(folder: Path, reader: str, trouble: str) -> None:
    name, read = READERS[reader]
    (folder / name).unlink()
    TROUBLES[trouble](folder / name)
    if reader == "export":
        shutil.rmtree(folder / "retrain-0" / "export-state_dict")
    with never_waits(), pytest.raises(PdasError) as error:
        read(folder)
    assert Path(name).name.split(".")[0] in str(error.value)
    assert str(error.value).isprintable() and len(str(error.value)) < 1000


# ---- few bytes that stand for many


def _wide_png(path: Path) -> None:
    """The header of an image of 13000x12000 pixels, and few of these."""
    header = struct.pack(">IIBBBBB", 13_000, 12_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)


def _packed_annotations(path: Path) -> None:
    savemat(path, {"annotations": np.zeros(100_000)}, do_compression=True)


BOMBS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "image": ("image", _wide_png, "13000x12000 are more than 150,000,000 pixels"),
    "header": ("header", _wide_png, "13000x12000 are more than 150,000,000 pixels"),
    "gzip": (
        "packed images",
        lambda path: _pack(path, bytes(200_000)),
        "gzip file that stands for more than 100000 bytes",
    ),
    "MATLAB": ("boxes of MATLAB", _packed_annotations, "it stands for more than 100000 bytes"),
    "numpy": (
        "report, theta",
        lambda path: np.savez_compressed(
            path,
            names=np.array(["a"]),
            steps=np.zeros(1),
            sizes=np.zeros(1),
            theta=np.zeros(100_000),
        ),
        "its arrays take 8",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_few_bytes_that_stand_for_many_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bomb: str
) -> None:
    for module in (cars_set, fashion_mnist):
        monkeypatch.setattr(module, "LARGEST", 100_000)
    monkeypatch.setattr(opening, "LARGEST_ARRAYS", 100_000)
    reader, write, message = BOMBS[bomb]
    name, read = READERS[reader]
    write(folder / name)
    with pytest.raises(PdasError, match=re.escape(message)):
        read(folder)
