"""Image files: what their headers say, and their pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pdas.data.depth import RangeError, depth_of, in_8_bits
from pdas.data.files import FORMATS, Box
from pdas.data.frames import clipped
from pdas.support.errors import DataError, PdasError, reason
from pdas.support.opening import open_file
from pdas.support.refusals import refusal, refuse

GREY_MODES = ("1", "L", "LA", "La", "F", "I")  # PIL's; those of 16 bits begin with an I
ORIENTATION = 0x0112  # the EXIF tag
LARGEST = 2**30  # bytes of a file
MOST_PIXELS = 150_000_000  # of an image; PIL itself refuses more than 179 million
SIDEWAYS = (5, 6, 7, 8)  # its values that exchange width and height


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


def read_header(path: str | PathLike[str]) -> Header:
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
        # That of the base class: PNG's own decodes the pixels to look for EXIF after them.
        sideways = Image.Image.getexif(image).get(ORIENTATION) in SIDEWAYS
        width, height = image.size[::-1] if sideways else image.size
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
    return read_crops(path, [box], size, channels)[0]


def image_pixels(image: Image.Image, size: int | None, channels: int) -> Tensor:
    """The pixels of a PIL image, as `read_image` gives those of a file.

    A JPEG file that `read_image` decodes at a part of its size may differ a little from its image.

    Args:
        image: it is not changed.
        size: height and width of the result, in pixels; None keeps the image's own.
        channels: 1 or 3.

    Returns:
        uint8 (channels, height, width).

    Raises:
        DataError: its file is broken, or it is not known which of its values is white.
    """
    with _told_of("images"):
        return _pixels(_upright(image, channels), size, channels)


def read_crops(
    path: str | PathLike[str], boxes: Sequence[Box | None], size: int | None, channels: int
) -> list[Tensor]:
    """Decode several parts of one image file, which is read once; see `read_image`.

    Args:
        path: of the file.
        boxes: the parts of the upright image; None is the whole.
        size: height and width of each result, in pixels; None keeps those of the part.
        channels: 1 or 3.

    Returns:
        For each box uint8 (channels, height, width).

    Raises:
        DataError: see `read_image`.
    """
    whole = all(box is None for box in boxes)
    with _opened(path) as opened:
        if whole and size is not None:  # JPEG: skip detail that resizing would drop
            opened.draft(None, (2 * size, 2 * size))
        image = _upright(opened, channels)
        return [_pixels(_crop(path, image, box), size, channels) for box in boxes]


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[Image.Image]:
    """An image file, of the formats that are read alone; an error within names it."""
    with _told_of(path), open_file(path, LARGEST) as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the check is below
            image = Image.open(file, formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width}x{image.height} are more than {MOST_PIXELS:,} pixels")
        yield image


@contextmanager
def _told_of(path: str | PathLike[str]) -> Iterator[None]:
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


def _unreadable(path: str | PathLike[str], error: Exception) -> PdasError:
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


def _crop(path: str | PathLike[str], image: Image.Image, box: Box | None) -> Image.Image:
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


def _upright(image: Image.Image, channels: int) -> Image.Image:
    """The image in 8 bits, turned as its EXIF orientation says, in grey or RGB."""
    depth = depth_of(image)
    upright = ImageOps.exif_transpose(image)
    return in_8_bits(upright, depth).convert("L" if channels == 1 else "RGB")


def _pixels(image: Image.Image, size: int | None, channels: int) -> Tensor:
    if size is not None:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(image)).reshape(image.height, image.width, channels)
    return pixels.permute(2, 0, 1).contiguous()
