"""Images as a program has them (files, PIL images, arrays, tensors), as pixels for a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from os import PathLike
from typing import Any, NoReturn, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from pdas.data.decode import image_pixels, read_image, read_view
from pdas.data.views.areas import View
from pdas.support.errors import DataError
from pdas.support.refusals import refuse

OneImage: TypeAlias = "str | PathLike[str] | Image.Image | NDArray[Any] | Tensor"
"""A path, a PIL image, or an array: uint8, or float in [0, 1]. An array of numpy is `(H, W)` or
`(H, W, C)`, a tensor of torch `(H, W)` or `(C, H, W)`; C is 1, 3 or 4."""

Images: TypeAlias = "OneImage | Iterable[OneImage]"
"""One image, several of any kind, or an array of several: `(N, H, W, C)`, a tensor
`(N, C, H, W)`."""

CHANNELS = (1, 3, 4)  # grey, RGB, RGBA
_EXPECTED = "a path, a PIL image, an array (H, W[, C]) or a tensor ([C, ]H, W) with C of 1, 3 or 4"


def each_image(images: Images) -> Iterator[OneImage]:
    """Images one by one. A string is one path.

    Args:
        images: one or several.

    Raises:
        DataError: it is neither.
    """
    if isinstance(images, str | PathLike | Image.Image):
        return iter((images,))
    if isinstance(images, np.ndarray | Tensor):
        return iter(images) if images.ndim == 4 else iter((images,))
    if not isinstance(images, Iterable) or isinstance(images, Mapping | bytes):
        refuse(
            DataError,
            "images",
            found=type(images).__name__,
            expected=f"{_EXPECTED}, or several of these",
        )
    return iter(images)


def parts_of_images(images: Images, size: int) -> Iterator[list[OneImage]]:
    """Images, `size` at a time."""
    each = each_image(images)
    while part := list(islice(each, size)):
        yield part


def pixels_of(
    image: OneImage, channels: int, size: int | None = None, view: View | None = None
) -> Tensor:
    """The pixels of one image in the form that a network takes.

    It is turned, converted and resized as a file of a data set is; see `read_image`.

    Args:
        image: one.
        channels: 1 (grey) or 3 (RGB).
        size: height and width of the result, in pixels; None keeps the image's own.
        view: the area that is resized, if there is a size; None is the whole.

    Returns:
        uint8 `(channels, H, W)`.

    Raises:
        DataError: a file is missing or broken, or an array has another type, shape or range.
    """
    if isinstance(image, str | PathLike):
        if view is None or size is None:
            return read_image(image, size, channels)
        return read_view(image, view, 0, size, channels).contiguous()
    if isinstance(image, np.ndarray):
        image = _of_array(image)
    elif isinstance(image, Tensor):
        image = _of_array(_channels_last(image))
    elif not isinstance(image, Image.Image):
        refuse(DataError, "images", found=f"{type(image).__name__} as one", expected=_EXPECTED)
    return image_pixels(image, size, channels, view)


def _channels_last(tensor: Tensor) -> NDArray[Any]:
    if tensor.is_floating_point():
        tensor = tensor.float()  # numpy knows no bfloat16
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    if array.ndim == 3:
        if array.shape[0] not in CHANNELS:
            _refuse_array(f"a tensor of shape {array.shape}")
        array = np.moveaxis(array, 0, 2)
    return array


def _of_array(array: NDArray[Any]) -> Image.Image:
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in CHANNELS)
    if not is_image or not array.size:
        _refuse_array(f"an array of shape {array.shape}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(_as_bytes(array)))


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        _refuse_array(f"values of {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN is refused, too
        _refuse_array(f"{array.dtype} values from {array.min():g} to {array.max():g}")
    scaled: NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return scaled


def _refuse_array(found: str) -> NoReturn:
    refuse(
        DataError,
        "images",
        found=found,
        expected=f"{_EXPECTED}, its values uint8 or float in [0, 1]",
    )


def device_of(network: nn.Module) -> torch.device:
    """Where the weights of a network are, to which its images have to come."""
    return next((weight.device for weight in network.parameters()), torch.device("cpu"))


def stacked(images: Images, channels: int) -> Tensor:
    """The pixels of images of one size.

    Args:
        images: one or several.
        channels: 1 (grey) or 3 (RGB).

    Returns:
        uint8 `(N, channels, H, W)`.

    Raises:
        DataError: there is none, they have several sizes, or see `pixels_of`.
    """
    pixels = [pixels_of(image, channels) for image in each_image(images)]
    sizes = dict.fromkeys(f"{each.shape[2]}x{each.shape[1]}" for each in pixels)
    if len(sizes) != 1:
        refuse(
            DataError,
            "images",
            found=f"sizes {', '.join(sizes)}" if sizes else "none",
            expected="at least one image, and one size of all",
            remedy="make a call for each size",
        )
    return torch.stack(pixels)
