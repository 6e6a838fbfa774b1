"""A folder of real pictures with the troubles that folders have, and what `pdas` makes of it.

    python benchmarks/troubled_folder.py DIR [--run [KEY=VALUE ...]]

Cuts 1,200 pictures in six unequal classes from the photographs that scikit-image and scikit-learn
ship, into DIR/photos; those for the test come from another part of each photograph. First each
trouble that has to be refused is put in, shown with its message, and taken out again. Then
`pdas check folder` is shown for the folder with all the others, and with --run also
`pdas run folder`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import skimage.data
import sklearn.datasets
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.support.errors import DataError

Pixels = NDArray[np.uint8]  # (H, W, 3)

CLASSES = {  # names of folders: training and test pictures
    "astronaut": (330, 80),
    "coffee [b]cup[/b]": (220, 55),
    "cat (chelsea)": (170, 40),
    "rocket": (130, 35),
    "temple\x1b[31m": (80, 22),
    "fleur é": (30, 8),
}
TRAIN, TEST, LEFT_OUT = "Training", "TEST_SET", "Val"
EXTENSIONS = (".png", ".jpg", ".JPEG", ".jfif", ".bmp", ".webp", ".tif", ".gif", ".ppm", ".avif")
DUPLICATES = 12


def photographs() -> list[Pixels]:
    """One for each class."""
    shipped = [
        getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")
    ]
    return shipped + [
        sklearn.datasets.load_sample_image(f"{name}.jpg") for name in ("china", "flower")
    ]


def squares(photograph: Pixels, number: int, test: bool, rng: np.random.Generator) -> list[Pixels]:
    """Squares of 40 to 100 pixels: those for the test of the right third, others of the rest."""
    border = 2 * photograph.shape[1] // 3
    part = photograph[:, border:] if test else photograph[:, :border]
    found = []
    for size in rng.integers(40, 101, number):
        top, left = (rng.integers(length - size + 1) for length in part.shape[:2])
        found.append(part[top : top + size, left : left + size])
    return found


def write_classes(root: Path) -> None:
    """All pictures, with the extensions and depths that people have."""
    rng, extensions = np.random.default_rng(0), cycle(EXTENSIONS)
    for photograph, (name, numbers) in zip(photographs(), CLASSES.items(), strict=True):
        for part, number in zip((TRAIN, TEST), numbers, strict=True):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i, square in enumerate(squares(photograph, number, part == TEST, rng)):
                if i % 20 == 7:
                    write_deep(folder, i, square)
                else:
                    Image.fromarray(square).save(folder / f"{i:03} [{i}]{next(extensions)}")


def write_deep(folder: Path, i: int, square: Pixels) -> None:
    """A grey picture of more than 8 bits, or of floating point."""
    grey = np.asarray(Image.fromarray(square).convert("L"), np.uint16)
    if i % 3 == 0:
        Image.fromarray(grey * 257).save(folder / f"{i:03}.png")
    elif i % 3 == 1:
        tifffile.imwrite(folder / f"{i:03}.tif", (grey / 255).astype(np.float32))
    else:
        tags = [(281, 3, 1, 4095, True)]  # the largest value: 12 bits
        tifffile.imwrite(folder / f"{i:03}.tiff", grey * 16, extratags=tags)


def add_troubles(root: Path) -> None:
    """What does not keep the folder from being used."""
    first = root / TRAIN / "astronaut"
    for name in ("a.heic", "b.HEIC", "film.mp4", "notes.txt", "no_extension"):
        (first / name).write_text("not an image")
    for name in (".DS_Store", "Thumbs.db", ".hidden.png", "__MACOSX/._x.png", "labels/list.txt"):
        file = root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("litter")
    (first / "again").symlink_to(first)  # a circle
    picture = Image.fromarray(photographs()[0][:64, :64])
    picture.save(root / "cover.png")
    for name in CLASSES:
        (root / LEFT_OUT / name).mkdir(parents=True)
        picture.save(root / LEFT_OUT / name / "0.png")
    for i, level in enumerate((0, 128, 255)):
        Image.new("RGB", (60, 60), (level,) * 3).save(root / TRAIN / "rocket" / f"flat{i}.png")
    nearly = np.random.default_rng(1).integers(100, 105, (50, 50), dtype=np.uint8)
    Image.fromarray(nearly).save(root / TEST / "rocket" / "nearly.png")
    originals = sorted((root / TRAIN / "coffee [b]cup[/b]").glob("*].png"))[:DUPLICATES]
    for i, file in enumerate(originals):
        image = Image.open(file).convert("RGB").resize((70, 70))
        image.save(root / TEST / "coffee [b]cup[/b]" / f"copy{i}.jpg", quality=60)


def grey_levels(rng: np.random.Generator, levels: int) -> NDArray[np.int64]:
    return rng.integers(0, levels, (40, 40))


def refused_files() -> dict[str, Callable[[Path], object]]:
    """Files that have to be refused: the name of each, and what writes it."""
    rng = np.random.default_rng(2)
    picture = Image.fromarray(photographs()[0][:64, :64])
    floats = grey_levels(rng, 256).astype(np.float32)
    return {
        "cut.png": lambda file: file.write_bytes(
            next(file.parent.glob("*.png")).read_bytes()[:300]
        ),
        "empty.jpg": lambda file: file.touch(),
        "postscript.png": lambda file: picture.save(file, format="EPS"),
        "link.png": lambda file: file.symlink_to("nowhere.png"),
        "fifo.png": os.mkfifo,
        "zeros.png": lambda file: file.symlink_to("/dev/zero"),
        "12_bits.png": lambda file: Image.fromarray(grey_levels(rng, 4096).astype(np.uint16)).save(
            file
        ),
        "int32.tif": lambda file: tifffile.imwrite(file, floats.astype(np.int32)),
        "float_255.tif": lambda file: tifffile.imwrite(file, floats),
        "nan.tif": lambda file: tifffile.imwrite(file, np.where(floats > 9, np.nan, floats / 255)),
    }


def refused_folders() -> dict[str, str]:
    """Folders that have to be refused, and where the picture in each is."""
    return {
        "a class beside the parts": "cow/0.png",
        "a part in two spellings": "train/astronaut/0.png",
        "a part within a class": f"{TRAIN}/rocket/test/0.png",
        "a class of one part only": f"{TEST}/cow/0.png",
    }


def show_refusals(root: Path) -> None:
    """Put each trouble in, show its message, and take it out."""
    for name, write in refused_files().items():
        file = root / TRAIN / "astronaut" / name
        write(file)
        print(f"- {name}: {message(root)}")
        file.unlink()
    for what, place in refused_folders().items():
        file = root / place
        made = [folder for folder in file.parents if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photographs()[0][:64, :64]).save(file)
        print(f"- {what}: {message(root)}")
        file.unlink()
        for folder in made:
            folder.rmdir()


def message(root: Path) -> str:
    """How the folder is refused."""
    try:
        load_images(LabelledDataSettings(name="folder", workers=0), root)
    except DataError as error:
        return str(error).replace(str(root.parent), "DIR")
    return "NOT REFUSED"


def pdas(*words: str | Path) -> None:
    print(f"\n$ pdas {' '.join(map(str, words))}", flush=True)
    subprocess.run([sys.executable, "-m", "pdas.cli", *map(str, words)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new one")
    parser.add_argument("--run", nargs="*", metavar="KEY=VALUE", help="run it, with these settings")
    arguments = parser.parse_args()
    root = arguments.directory / "photos"
    write_classes(root)
    show_refusals(root)
    add_troubles(root)
    files = sum(1 for _, _, names in os.walk(root) for _ in names)
    print(f"{files} files in {root}")
    changes = [word for change in arguments.run or () for word in ("--set", change)]
    pdas("check", "folder", "--data-dir", root, *changes)
    if arguments.run is not None:
        out = arguments.directory / "run"
        pdas("run", "folder", "--data-dir", root, "--out", out, *changes)


if __name__ == "__main__":
    main()
