"""Image files: what their headers say, and their pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from os import PathLike
from typing import BinaryIO, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pdas.data.archives.member import Member
from pdas.data.depth import RangeError, depth_of, in_8_bits
from pdas.data.files import FORMATS, Box
from pdas.data.frames import clipped
from pdas.data.views.areas import Area, View
from pdas.support.errors import DataError, PdasError, reason
from pdas.support.opening import open_file
from pdas.support.refusals import refusal, refuse

GREY_MODES = ("1", "L", "LA", "La", "F", "I")  # PIL's; those of 16 bits begin with an I
ORIENTATION = 0x0112  # the EXIF tag
LARGEST = 2**30  # bytes of a file
MOST_PIXELS = 150_000_000  # of an image; PIL itself refuses more than 179 million
SIDEWAYS = (5, 6, 7, 8)  # its values that exchange width and height


File: TypeAlias = "str | PathLike[str] | Member"
"""A file by its path, or within an archive."""


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded.

    Attributes:
        width: pixels, of the upright image.
        height: pixels, of the upright image.
        grey: whether it is stored without colours.

    Example:
        read_header("photo.jpg").width
    """

    width: int
    height: int
    grey: bool


def read_header(path: File) -> Header:
    """Size and mode of an image file, without decoding it, except for TIFF.

    An orientation that a PNG file stores after the pixels is not seen.

    Args:
        path: of the file.

    Raises:
        DataError: the file is missing, broken or no image.
    """
    with _opened(path) as image:
        grey = image.mode in GREY_MODES or image.mode.startswith("I")
        if image.format == "TIFF":  # PIL may have exchanged its width and height, or not yet
            return Header(*ImageOps.exif_transpose(image).size, grey)
        width, height = image.size[::-1] if _is_sideways(image) else image.size
        return Header(width, height, grey)


def read_image(
    path: str | PathLike[str], size: int | None, channels: int, box: Box | None = None
) -> Tensor:
    """Decode one image file.

    The image is turned as its EXIF orientation says and converted to grey (channels = 1) or RGB
    (channels = 3, transparency dropped). With a box it is cropped to the part of the box that is in
    it. With a size it is then resized to a square, whatever its shape, by PIL's bilinear filter.

    Args:
        path: of the file.
        size: height and width of the result, in pixels; None keeps those of the image or the part.
        channels: 1 or 3.
        box: the part of the upright image that is used; None is the whole.

    Returns:
        uint8 (channels, height, width).

    Raises:
        DataError: the file is missing, broken or no image, it does not tell what white is, or no
            part of the box is in it.
    """
    return read_crops(path, [box], size, channels)[0].contiguous()


def image_pixels(
    image: Image.Image, size: int | None, channels: int, view: View | None = None
) -> Tensor:
    """The pixels of a PIL image, as `read_image` gives those of a file.

    A JPEG file that `read_image` decodes at a part of its size may differ a little from its image.

    Args:
        image: it is not changed.
        size: height and width of the result, in pixels; None keeps the image's own.
        channels: 1 or 3.
        view: the area that is resized, if there is a size; None is the whole.

    Returns:
        uint8 (channels, height, width).

    Raises:
        DataError: its file is broken, or it is not known which of its values is white.
    """
    with _told_of("images"):
        upright = _upright(image, channels)
        if view is None or size is None:
            return _pixels(upright, size, channels).contiguous()
        area = view.area(0, *upright.size)
        return _resized(upright, area, upright.size, size, channels).contiguous()


def read_crops(
    path: File, boxes: Sequence[Box | None], size: int | None, channels: int
) -> list[Tensor]:
    """Decode several parts of one image file, which is read once; see `read_image`.

    Args:
        path: of the file.
        boxes: the parts of the upright image; None is the whole.
        size: height and width of each result, in pixels; None keeps those of the part.
        channels: 1 or 3.

    Returns:
        For each box uint8 (channels, height, width), in memory row by row with all channels of a
        pixel together.

    Raises:
        DataError: see `read_image`.
    """
    whole = all(box is None for box in boxes)
    with _opened(path) as opened:
        if whole and size is not None:  # JPEG: skip detail that resizing would drop
            opened.draft(None, (2 * size, 2 * size))
        image = _upright(opened, channels)
        return [_pixels(_crop(path, image, box), size, channels) for box in boxes]


def read_view(path: File, view: View, index: int, size: int, channels: int) -> Tensor:
    """Decode the area of one image file that a view shows; see `read_image`.

    Args:
        path: of the file.
        view: says which area.
        index: of the image in its source.
        size: height and width of the result, in pixels.
        channels: 1 or 3.

    Returns:
        uint8 (channels, size, size), in memory as `read_crops` has it.

    Raises:
        DataError: see `read_image`.
    """
    with _opened(path) as opened:
        if opened.format != "JPEG":
            image = _upright(opened, channels)
            return _resized(image, view.area(index, *image.size), image.size, size, channels)
        sideways = _is_sideways(opened)
        full = opened.size[::-1] if sideways else opened.size
        area = view.area(index, *full)
        # Skip detail that resizing would drop.
        wide, high = (
            max(1, ceil(view.margin * size * length / part))
            for length, part in zip(full, (area[2] - area[0], area[3] - area[1]), strict=True)
        )
        opened.draft(None, (high, wide) if sideways else (wide, high))
        return _resized(_upright(opened, channels), area, full, size, channels)


def _resized(
    image: Image.Image,
    area: Area,
    full: tuple[int, int],
    size: int,
    channels: int,
) -> Tensor:
    """The pixels of an area, which is in pixels of the image's full size."""
    across, down = image.width / full[0], image.height / full[1]
    left, top, right, bottom = area
    box = (
        left * across,
        top * down,
        min(right * across, image.width),
        min(bottom * down, image.height),
    )
    return _pixels(image.resize((size, size), Image.Resampling.BILINEAR, box), None, channels)


@contextmanager
def _opened(path: File) -> Iterator[Image.Image]:
    """An image file, of the formats that are read alone; an error within names it."""
    with _told_of(path), _file(path) as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the check is below
            image = Image.open(file, formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width}x{image.height} are more than {MOST_PIXELS:,} pixels")
        yield image


def _file(path: File) -> BinaryIO:
    return path.open(LARGEST) if isinstance(path, Member) else open_file(path, LARGEST)


@contextmanager
def _told_of(path: File) -> Iterator[None]:
    """Turn what goes wrong within into an error that names the file."""
    try:
        yield
    except DataError:
        raise
    except RangeError as error:
        remedy = "save it with 8 bits or remove it"
        raise refusal(
            DataError, str(path), found=error.found, expected=error.expected, remedy=remedy
        ) from error
    except Exception as error:  # PIL's decoders raise nearly anything on broken files
        raise _unreadable(path, error) from error


def _unreadable(path: File, error: Exception) -> PdasError:
    """The refusal of a file that PIL cannot read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"images: there is no file {path}; check the path")
    if isinstance(error, IsADirectoryError):
        found, remedy = f"the directory {path}", "give the files in it"
        return refusal(DataError, "images", found=found, expected="files", remedy=remedy)
    return refusal(
        DataError,
        str(path),
        found=f"no readable image ({_why(error)})",
        expected="a whole image file",
        remedy="replace or remove it",
    )


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # whose message shows an object
        return f"none of {', '.join(FORMATS)}"
    return reason(error)


def _crop(path: File, image: Image.Image, box: Box | None) -> Image.Image:
    if box is None:
        return image
    part = clipped(box, *image.size)
    if part is None:
        refuse(
            DataError,
            str(path),
            found=f"the box {box} (left, top, right, bottom)",
            expected=f"one with pixels of the image, which has {image.width}x{image.height}",
            remedy="mend the box or remove the image",
        )
    return image.crop(part)


def _is_sideways(image: Image.Image) -> bool:
    # That of the base class: PNG's own decodes the pixels to look for EXIF after them.
    return Image.Image.getexif(image).get(ORIENTATION) in SIDEWAYS


def _upright(image: Image.Image, channels: int) -> Image.Image:
    """The image in 8 bits, turned as its EXIF orientation says, in grey or RGB.

    It is the image itself where nothing is to be done.
    """
    depth = depth_of(image)
    image.load()
    is_turned = image.getexif().get(ORIENTATION, 1) != 1
    upright = in_8_bits(ImageOps.exif_transpose(image) if is_turned else image, depth)
    mode = "L" if channels == 1 else "RGB"
    return upright if upright.mode == mode else upright.convert(mode)


def _pixels(image: Image.Image, size: int | None, channels: int) -> Tensor:
    if size is not None:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(image)).reshape(image.height, image.width, channels)
    return pixels.permute(2, 0, 1)
