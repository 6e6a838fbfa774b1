"""A small copy of the layout of ImageNet: JPEGs of many sizes, cut from photographs of packages.

Each class is a region of a photograph, so classes differ. One image of the first class is a PNG
with the name of a JPEG and one is stored as CMYK: the real set has such images.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image

CLASSES = tuple(f"n{1440764 + 17 * i:08d}" for i in range(20))
SIZES = ((500, 375), (375, 500), (256, 200), (640, 480), (90, 130), (333, 500), (120, 96))
DEVKIT = "ILSVRC2012_devkit_t12"


def made_up_photographs(
    root: Path, *, classes: int = 20, train: int = 25, val: int = 5, seed: int = 0
) -> Path:
    """Write `root/train/CLASS/*.JPEG` and `root/val/CLASS/*.JPEG`.

    Args:
        root: is made.
        classes: how many, at most 20.
        train: images of each class for training.
        val: and for validation.
        seed: draws places and sizes.
    """
    rng = np.random.default_rng(seed)
    shipped = [
        getattr(skimage_data, name)() for name in ("chelsea", "coffee", "rocket", "astronaut")
    ]
    shipped += [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    photographs = [Image.fromarray(pixels) for pixels in shipped]
    number = 0
    for label, name in enumerate(CLASSES[:classes]):
        photograph = photographs[label % len(photographs)]
        for part, count in (("train", train), ("val", val)):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                number += part == "val"
                file = f"{name}_{i}" if part == "train" else f"ILSVRC2012_val_{number:08d}"
                image = _cut(photograph, label, rng)
                odd = part == "train" and label == 0 and i < 2
                (folder / f"{file}.JPEG").write_bytes(_encoded(image, odd=i if odd else None))
    return root


def _cut(photograph: Image.Image, label: int, rng: np.random.Generator) -> Image.Image:
    width, height = SIZES[rng.integers(len(SIZES))]
    # Classes of one photograph are at different heights of it.
    side = min(photograph.size) // 2
    left = int(rng.integers(photograph.width - side + 1))
    top = (label // 6) * (photograph.height - side) // 3
    part = (left, top, left + side, top + side)
    return photograph.resize((width, height), Image.Resampling.BILINEAR, part)


def _encoded(image: Image.Image, odd: int | None) -> bytes:
    content = io.BytesIO()
    if odd == 0:
        image.save(content, "PNG", compress_level=1)
    else:
        (image if odd is None else image.convert("CMYK")).save(content, "JPEG", quality=88)
    return content.getvalue()


def flat_validation(root: Path) -> None:
    """Move the images of `root/val/CLASS` to `root/val`, and write the development kit."""
    classes = sorted(path.name for path in (root / "train").iterdir())
    truth: dict[str, int] = {}
    # Numbers of classes that are not in the order of their names, as those of the real kit.
    numbers = {name: len(classes) - i for i, name in enumerate(classes)}
    for folder in sorted((root / "val").iterdir()):
        for file in sorted(folder.iterdir()):
            truth[file.name] = numbers[folder.name]
            file.rename(root / "val" / file.name)
        folder.rmdir()
    data = root / DEVKIT / "data"
    data.mkdir(parents=True)
    lines = "".join(f"{truth[name]}\n" for name in sorted(truth))
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text(lines)
    synsets = np.zeros(len(classes), [("ILSVRC2012_ID", object), ("WNID", object)])
    for row, (name, id_) in zip(synsets, numbers.items(), strict=True):
        row["ILSVRC2012_ID"], row["WNID"] = id_, name
    scipy.io.savemat(data / "meta.mat", {"synsets": synsets}, do_compression=True)


def as_archives(folders: Path, root: Path) -> Path:
    """Write the original archives of a copy that `flat_validation` has changed.

    Args:
        folders: the copy.
        root: is made.
    """
    root.mkdir(parents=True)
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as outer:
        for folder in sorted((folders / "train").iterdir(), reverse=True):
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w") as inner:
                for file in sorted(folder.iterdir(), reverse=True):  # in no useful order
                    inner.add(file, file.name)
            info = tarfile.TarInfo(f"{folder.name}.tar")
            info.size = len(content.getvalue())
            content.seek(0)
            outer.addfile(info, content)
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as tar:
        for file in sorted((folders / "val").iterdir()):
            tar.add(file, file.name)
    with tarfile.open(root / f"{DEVKIT}.tar.gz", "w:gz") as tar:
        tar.add(folders / DEVKIT, DEVKIT)
    return root
