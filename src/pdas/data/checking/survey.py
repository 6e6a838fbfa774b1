"""A look at the images of an experiment: how many there are, and which may spoil it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pdas.data.checking.duplicates import Thumbnails, near_duplicates
from pdas.data.decode import read_header
from pdas.data.images import ImageData, ImageSource

BATCH = 1024
NEARLY = 8  # grey levels between the darkest and the brightest pixel
FEW = 10  # test images of a class
SHOWN = 20  # images that are named
MOST = 20_000  # images of a part that are looked at, where it has ten times as many


@dataclass(frozen=True)
class Survey:
    """What there is to say of images, as plain data.

    Attributes:
        images: their number by part, "train" and "test".
        classes: that of each class, likewise; None where labels mean nothing.
        shape: (C, H, W) of what a network sees.
        stored: the smallest and the largest width and height of the files; None without files.
        notes: what is passed over, a line each.
        constant: the number of images whose pixels are all equal.
        nearly_constant: that of images with at most `NEARLY` grey levels between their pixels.
        constant_images: the first of both.
        few: classes with fewer than `FEW` test images.
        duplicates: the number of test images that are nearly the same as a training image.
        duplicate_pairs: the first test images of these, each with that training image.

    Example:
        survey(load_images(LabelledDataSettings(name="digits")), labelled=True).few
    """

    images: dict[str, int]
    classes: dict[str, dict[str, int]] | None
    shape: tuple[int, int, int]
    stored: dict[str, tuple[int, int]] | None
    notes: tuple[str, ...]
    constant: int
    nearly_constant: int
    constant_images: tuple[str, ...]
    few: tuple[str, ...]
    duplicates: int
    duplicate_pairs: tuple[tuple[str, str], ...]


def survey(data: ImageData, *, labelled: bool) -> Survey:
    """Look at every image once; of very many at some, at equal distances, which a note says.

    Args:
        data: training and test images.
        labelled: whether the labels are what is learned.

    Raises:
        DataError: an image is broken.
    """
    whole = {"train": data.train, "test": data.test}
    strides = {part: _stride(len(source)) for part, source in whole.items()}
    parts = {part: _every(strides[part], source) for part, source in whole.items()}
    seen = {part: _look(source) for part, source in parts.items()}
    flat = [
        (part, index) for part in parts for index in (seen[part].ranges <= NEARLY).nonzero()[:, 0]
    ]
    name = {part: _namer(part, whole[part], strides[part]) for part in whole}
    pairs = near_duplicates(seen["train"].thumbnails, seen["test"].thumbnails)
    classes = _by_class(data) if labelled else None
    constant = sum(int((each.ranges == 0).sum()) for each in seen.values())
    return Survey(
        images={part: len(source) for part, source in whole.items()},
        classes=classes,
        shape=data.train.image_shape,
        stored=_stored_sizes(data.files),
        notes=(*data.notes, *_left_out(whole, parts)),
        constant=constant,
        nearly_constant=len(flat) - constant,
        constant_images=tuple(name[part](int(i)) for part, i in flat[:SHOWN]),
        few=tuple(name for name, count in (classes or {}).items() if count["test"] < FEW),
        duplicates=len(pairs),
        duplicate_pairs=tuple(
            (name["test"](i), name["train"](j)) for i, j in list(pairs.items())[:SHOWN]
        ),
    )


def _stride(count: int) -> int:
    return count // MOST if count >= 10 * MOST else 1


def _every(stride: int, source: ImageSource) -> ImageSource:
    return source if stride == 1 else source.subset(torch.arange(0, len(source), stride))


def _left_out(whole: Mapping[str, ImageSource], parts: Mapping[str, ImageSource]) -> Iterator[str]:
    for part, source in whole.items():
        if len(parts[part]) < len(source):
            yield f"looked at {len(parts[part]):,} of the {len(source):,} {part} images"


@dataclass(frozen=True)
class _Seen:
    """What is kept of the images of a part."""

    ranges: Tensor  # grey levels between the darkest and the brightest pixel, int64 (N,)
    thumbnails: Thumbnails


def _look(source: ImageSource) -> _Seen:
    ranges, thumbnails = zip(*_parts_of(source), strict=True)
    return _Seen(torch.cat(ranges), Thumbnails.joined(list(thumbnails)))


def _parts_of(source: ImageSource) -> Iterator[tuple[Tensor, Thumbnails]]:
    for images, _ in source.batches(torch.split(torch.arange(len(source), device="cpu"), BATCH)):
        values = images.flatten(2)
        ranges = (values.amax(2).int() - values.amin(2).int()).amax(1)  # of the widest channel
        yield ranges.cpu(), Thumbnails.of(images)


def _by_class(data: ImageData) -> dict[str, dict[str, int]]:
    counts = {
        part: torch.bincount(source.labels, minlength=len(data.classes)).tolist()
        for part, source in (("train", data.train), ("test", data.test))
    }
    return {
        name: {part: counts[part][label] for part in counts}
        for label, name in enumerate(data.classes)
    }


def _stored_sizes(paths: Sequence[str]) -> dict[str, tuple[int, int]] | None:
    headers = [read_header(path) for path in paths]
    if not headers:
        return None
    sizes = sorted(
        (header.width * header.height, header.width, header.height) for header in headers
    )
    return {"smallest": sizes[0][1:], "largest": sizes[-1][1:]}


def _namer(part: str, source: ImageSource, stride: int) -> Callable[[int], str]:
    """The file of an image that was looked at, or its number."""
    names = source.names  # once: there may be a million
    if names is None:
        return lambda index: f"{part} image {index * stride}"
    return lambda index: names[index * stride]
