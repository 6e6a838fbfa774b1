"""Training images from JPEG files, per second and core: against torchvision and a bare loop.

    python benchmarks/photographs.py [--images 192] [--rounds 7] [--size 224] [--workers 0 2]

Files are cut from photographs that scikit-image and scikit-learn ship: the widths and heights of
ImageNet, mostly 500x375, and some larger ones. All sides read the same files and resize a random
area of each to `--size`:

- bare: decoding, cropping and resizing in a loop of one process and one thread, by PIL, and by
  torchvision's own decoder; no loader, no batches;
- torchvision: ImageFolder, RandomResizedCrop, flip, and a DataLoader;
- pdas: batches of random areas, uint8, as a GPU gets them; with flip and standardisation, which
  are work of the CPU where there is no GPU; and the same from a tar file.

A loader reads each file five times in a pass: to start processes takes a tenth of a second for a
pass, which is nothing for a million images and much for two hundred.

They run in turns in one process. Seconds are CPU time of this process and of its workers, by the
median round; the clock is beside it, and means something only on a quiet machine.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image
from torch.utils.data import ConcatDataset, DataLoader
from torchvision import transforms as T

from pdas.data.archives.tar import tar_images
from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.disk import DiskImages
from pdas.data.files import found_in
from pdas.data.views.areas import RandomAreas
from pdas.data.views.standardise import Standardise

BATCH = 64
TIMES = 5  # that a loader reads each file in a pass
CLASSES = 8
SIZES = ((500, 375), (375, 500), (500, 333), (500, 500), (400, 300), (1200, 900))
SHARES = (0.4, 0.15, 0.2, 0.1, 0.1, 0.05)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SCALE = (0.08, 1.0)

Side = Callable[[], Iterator[Any]]


def make(root: Path, images: int) -> None:
    """JPEGs in a folder for each class, and a tar file of all."""
    rng = np.random.default_rng(0)
    shipped = [skimage_data.chelsea(), skimage_data.coffee(), skimage_data.astronaut()]
    shipped += [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    photographs = [Image.fromarray(pixels) for pixels in shipped]
    with tarfile.open(root / "images.tar", "w") as tar:
        for i in range(images):
            photograph = photographs[i % len(photographs)]
            width, height = SIZES[rng.choice(len(SIZES), p=SHARES)]
            share = rng.uniform(0.5, 1)
            part = (0, 0, int(share * photograph.width), int(share * photograph.height))
            folder = root / "folders" / str(i % CLASSES)
            folder.mkdir(parents=True, exist_ok=True)
            image = photograph.resize((width, height), Image.Resampling.BICUBIC, part)
            image.save(folder / f"{i:06d}.JPEG", quality=90)
            tar.add(folder / f"{i:06d}.JPEG", f"{i:06d}.JPEG")


def bare(paths: list[str], size: int, read: Callable[..., torch.Tensor]) -> Iterator[torch.Tensor]:
    """One image after the other, each with a random area."""
    areas = RandomAreas(SCALE, int(torch.randint(2**31, ())))
    for index, path in enumerate(paths):
        content = Path(path).read_bytes()
        width, height = Image.open(io.BytesIO(content)).size
        yield read(content, areas.area(index, width, height), size)


def by_pil(content: bytes, area: tuple[float, ...], size: int) -> torch.Tensor:
    image = Image.open(io.BytesIO(content)).convert("RGB").crop(tuple(map(int, area)))
    pixels = np.array(image.resize((size, size), Image.Resampling.BILINEAR))
    return torch.from_numpy(pixels)


def by_torchvision(content: bytes, area: tuple[float, ...], size: int) -> torch.Tensor:
    mode = torchvision.io.ImageReadMode.RGB
    raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    image = torchvision.io.decode_jpeg(raw, mode=mode)
    left, top, right, bottom = map(int, area)
    return torch.nn.functional.interpolate(
        image[None, :, top:bottom, left:right], (size, size), mode="bilinear", antialias=True
    )[0]


def plain(root: Path, size: int, workers: int) -> DataLoader[Any]:
    transform = T.Compose(
        [
            T.RandomResizedCrop(size),
            T.RandomHorizontalFlip(),
            T.ToTensor(),
            T.Normalize(MEAN, STD),
        ]
    )
    images = torchvision.datasets.ImageFolder(str(root / "folders"), transform)
    longer = ConcatDataset([images] * TIMES)
    return DataLoader(longer, BATCH, shuffle=True, drop_last=False, num_workers=workers)


def ours(source: DiskImages) -> Batches:
    generator = torch.Generator().manual_seed(0)
    augment = Augment(pad=0, flip=True, cutout=0)
    return Batches(
        source,
        BATCH,
        shuffle=generator,
        transform=TrainingTransform(Standardise(MEAN, STD), augment, generator),
        drop_last=False,
        area_scale=SCALE,
    )


def decoded(source: DiskImages) -> Iterator[Any]:
    """Batches before they are flipped and standardised."""
    order = torch.randperm(len(source)).split(BATCH)
    return source.batches(order, "cpu", RandomAreas(SCALE, int(torch.randint(2**31, ()))))


def sides(root: Path, size: int, workers: list[int]) -> dict[str, Side]:
    paths = found_in(root / "folders").images
    members = tar_images(root / "images.tar", nested=False, keep=False)
    longer, in_tar = TIMES * paths, TIMES * list(members)
    labels = torch.zeros(len(longer), dtype=torch.int64)
    found: dict[str, Side] = {
        "bare loop, PIL": lambda: bare(paths, size, by_pil),
        "bare loop, torchvision": lambda: bare(paths, size, by_torchvision),
    }
    for count in workers:
        form = {"size": size, "channels": 3, "workers": count}
        found[f"torchvision, {count} workers"] = plain(root, size, count).__iter__
        found[f"pdas, uint8, {count} workers"] = partial(
            decoded, DiskImages(longer, labels, **form)
        )
        found[f"pdas, {count} workers"] = ours(DiskImages(longer, labels, **form)).__iter__
        found[f"pdas, tar, {count} workers"] = ours(DiskImages(in_tar, labels, **form)).__iter__
    return found


def cpu_seconds() -> float:
    """Of this process and of the workers that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(runs: dict[str, Side], images: int, rounds: int) -> None:
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    clock: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds + 1):
        for name, start_pass in runs.items():
            before, start = cpu_seconds(), time.perf_counter()
            for _ in start_pass():
                pass
            seconds = cpu_seconds() - before, time.perf_counter() - start
            if index:  # the first round warms up
                times = 1 if name.startswith("bare") else TIMES
                cpu[name].append(seconds[0] / times)
                clock[name].append(seconds[1] / times)
    median = {name: statistics.median(times) for name, times in cpu.items()}
    for name, seconds in median.items():
        by_clock = images / statistics.median(clock[name])
        pairs = zip(cpu["bare loop, PIL"], cpu[name], strict=True)
        ratio = statistics.median(bare / own for bare, own in pairs)
        print(
            f"{name:26} {images / seconds:7.0f} images/s and core, {ratio:5.2f} of the bare loop"
            f" ({by_clock:6.0f} images/s by the clock)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.images} files, {arguments.size}x{arguments.size}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), arguments.images)
        measure(
            sides(Path(folder), arguments.size, arguments.workers),
            arguments.images,
            arguments.rounds,
        )


if __name__ == "__main__":
    main()
