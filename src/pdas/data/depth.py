"""Grey levels of more than 8 bits, and floating point, brought to 0..255.

Values are scaled by what their file says of them, never by the values themselves, so that two
images of a set keep their difference in brightness. What a file leaves open is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# TIFF tags
BITS, WHITE_IS_ZERO, LARGEST, PLANAR, FORMAT = 258, 262, 281, 284, 339
SIGNED = 2  # a value of FORMAT
FEW_LEVELS = 4  # bits: with as few left in use, nobody knows what the range is


class RangeError(ValueError):
    """The range of an image's values is not known.

    Attributes:
        found: what is in the file.
        expected: what would be read.

    Example:
        raise RangeError("values that are NaN", "finite ones")
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected


@dataclass(frozen=True)
class Depth:
    """What a file says of the values of its pixels.

    Attributes:
        bits: of a value, without the sign; 8 of those that need no scaling.
        used: the bits that are in use, where the file says so.
        scaled: whether values of fewer bits were scaled to all, as the standard of PNG asks for.
        inverted: whether 0 is white, and PIL does not see to it.
        unsigned: whether 32 bits are all used, which PIL gives as signed numbers.

    Example:
        Depth(16, used=12)
    """

    bits: int = 8
    used: int | None = None
    scaled: bool = False
    inverted: bool = False
    unsigned: bool = False


def depth_of(image: Image.Image) -> Depth:
    """What the file of an image says of its values.

    Args:
        image: just opened. Of one that is decoded already, or made in memory, less is known.

    Raises:
        RangeError: PIL would decode something else than is in the file.
    """
    if image.format == "PNG":
        return _png_depth(image)
    if image.format == "TIFF":
        return _tiff_depth(image)
    if not image.mode.startswith("I"):
        return Depth()
    if image.format == "PPM":
        return Depth(16, used=16)  # PIL scales by the largest value, which the file names
    return Depth(31 if image.mode == "I" else 16)


def in_8_bits(image: Image.Image, depth: Depth) -> Image.Image:
    """The image with values 0..255, of whatever mode.

    Floating point is scaled by 255, n-bit integers lose their last n - 8 bits.

    Args:
        image: decoded.
        depth: of its file.

    Raises:
        RangeError: the values do not tell what white is.
    """
    if image.mode == "F":
        return Image.fromarray(_from_floats(np.asarray(image), depth))
    if image.mode.startswith("I"):
        values = np.asarray(image)
        whole = values.view(np.uint32) if depth.unsigned else values
        return Image.fromarray(_from_integers(whole.astype(np.int64), depth))
    if depth.bits > 8:  # PIL has kept the first 8 of 16 bits in each channel
        used = depth.used or depth.bits - FEW_LEVELS
        if int(np.asarray(image.convert("RGB")).max()) < 1 << (used - 8):
            raise _unknown_range(f"colours of {depth.bits} bits with values below {1 << used} only")
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _from_floats(values: NDArray[np.floating], depth: Depth) -> NDArray[np.uint8]:
    if not np.isfinite(values).all():
        raise RangeError("values that are NaN or infinite", "finite ones")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        raise RangeError(
            f"floating point values from {low:g} to {high:g}", "values from 0 (black) to 1 (white)"
        )
    levels: NDArray[np.uint8] = np.rint(values * 255).astype(np.uint8)
    return 255 - levels if depth.inverted else levels


def _from_integers(values: NDArray[np.int64], depth: Depth) -> NDArray[np.uint8]:
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise RangeError(f"values from {low} to {high}", "values of at least 0")
    bits = depth.bits
    if depth.used is None and 0 < high < 1 << (bits - FEW_LEVELS):
        raise _unknown_range(f"values up to {high} in {bits} bits")
    if depth.used is not None and high < 1 << depth.used:
        last = (1 << (bits - depth.used)) - 1  # bits that are 0 in dark values that were scaled
        if not depth.scaled or (values & last).any():
            bits = depth.used
    if depth.inverted:
        values = (1 << bits) - 1 - values
    scaled = values >> (bits - 8) if bits >= 8 else values * 255 // ((1 << bits) - 1)
    return scaled.astype(np.uint8)


def _unknown_range(found: str) -> RangeError:
    return RangeError(found, "values of the whole range, or a file that says how many bits it uses")


# ---- what the formats say


def _png_depth(image: Image.Image) -> Depth:
    if not (image.mode.startswith("I") or "16" in _raw_mode(image)):
        return Depth()
    return Depth(16, used=_significant_bits(getattr(image, "fp", None)), scaled=True)


def _significant_bits(stream: IO[bytes] | None) -> int | None:
    """The content of the chunk sBIT, which stands before the pixels; None if there is none."""
    if stream is None:  # decoded and closed
        return None
    place = stream.tell()
    stream.seek(8)  # after the signature
    try:
        while len(head := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IDAT":
                return None
            if kind == b"sBIT":
                significant = max(stream.read(length)[:3], default=0)
                return significant if 0 < significant < 16 else None
            stream.seek(length + 4, 1)  # with the checksum
        return None
    finally:
        stream.seek(place)


def _tiff_depth(image: Image.Image) -> Depth:
    tags = image.tag_v2  # type: ignore[attr-defined]
    bits, signed = max(tags.get(BITS, (1,))), SIGNED in tags.get(FORMAT, ())
    white_is_zero = tags.get(WHITE_IS_ZERO) == 0
    if image.mode == "F":
        return Depth(inverted=white_is_zero)
    if bits < 8:
        return Depth()
    if bits == 8:
        if signed:
            raise RangeError("signed values of 8 bits", "unsigned ones")
        return Depth()
    grey = image.mode.startswith("I")
    if not grey and tags.get(PLANAR) == 2:
        raise RangeError(
            f"colours of {bits} bits in planes", "8 bits, or the colours of a pixel together"
        )
    stored = 16 if bits < 16 else bits  # PIL gives 12 bits in 16
    used = bits if bits < 16 else _bits_of_largest(tags.get(LARGEST))
    return Depth(
        stored - signed,
        used=used,
        inverted=grey and white_is_zero,
        unsigned=bits == 32 and not signed,
    )


def _bits_of_largest(largest: object) -> int | None:
    """The bits of the largest value, of the tag that names it; None without the tag."""
    value = max(largest, default=0) if isinstance(largest, tuple) else largest
    return value.bit_length() or None if isinstance(value, int) else None


def _raw_mode(image: Image.Image) -> str:
    """How the pixels are stored, in PIL's words."""
    tile = getattr(image, "tile", None)  # of files that are not yet decoded
    arguments = tile[0].args if tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)
