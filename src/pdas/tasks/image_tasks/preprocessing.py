"""How an image becomes the input of a network, as plain data: a part of `network.json`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PlainValidator

from pdas.support.settings import Settings


def _known_crop(value: object) -> object:
    # One validator in place of a union, whose errors would name its members.
    if value != "none" and not (isinstance(value, int | float) and 0 < value <= 1):
        raise ValueError('expected "none" or a number above 0 and at most 1')
    return value


class Preprocessing(Settings):
    """What `pdas.data.decode` does with an image, in this order.

    `docs/export.md` does the same with PIL and numpy alone. There is one way only, so a file that
    says something else is of another version, and is refused.

    Attributes:
        jpeg_draft: a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, if this leaves at least so
            many times `image_shape` of the part that is used.
        exif_orientation: the image is turned as its EXIF tag says.
        bit_depth: what becomes of pixels that have not 8 bits.
        grey, colour: PIL's modes of images with one channel and with three.
        transparency: the alpha channel, or the transparent colour of a palette.
        crop: the part of the image that is used: "none" is the whole, a number the central square,
            the share of its side in the shorter side of the image.
        resize: "squash": to `image_shape`, whatever the shape of the image; "none": the image must
            have that shape already.
        interpolation: PIL's, which averages where it makes smaller.
        divisor: makes 0..255 values in [0, 1], as float32.
        layout: of a batch.

    Example:
        pdas.load("runs/digits-0").description().preprocessing.interpolation
    """

    jpeg_draft: Literal[2] = 2
    exif_orientation: Literal["applied"] = "applied"
    bit_depth: Literal["first 8 bits; floating point times 255"] = (
        "first 8 bits; floating point times 255"
    )
    grey: Literal["L"] = "L"
    colour: Literal["RGB"] = "RGB"
    transparency: Literal["dropped"] = "dropped"
    crop: Annotated[Literal["none"] | float, PlainValidator(_known_crop)] = "none"
    resize: Literal["squash", "none"] = "squash"
    interpolation: Literal["bilinear, antialiased"] = "bilinear, antialiased"
    divisor: Literal[255] = 255
    layout: Literal["NCHW"] = "NCHW"
