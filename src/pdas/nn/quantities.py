"""What a supernet's costs can count, and the checks of what is asked for."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from pdas.support.errors import SettingError

Quantity = Literal["parameters", "multiply_adds"]
QUANTITIES: tuple[str, ...] = get_args(Quantity)


def check_quantity(quantity: str) -> None:
    """Raises `SettingError` if a quantity is unknown."""
    if quantity not in QUANTITIES:
        raise SettingError(
            f"cost: found {quantity!r}, expected one of {', '.join(QUANTITIES)}; for another make "
            "a pdas.cost.FunctionCost of net.space"
        )


def image_size(x: Tensor | None, channels: int) -> tuple[int, int]:
    """Height and width of the example images `x` `(N, channels, H, W)`.

    Raises `SettingError` if `x` is missing, which multiply-adds need, or is no such images.
    """
    if x is None:
        raise SettingError(
            "cost: found no images for 'multiply_adds', expected an example, of which the "
            f"shape counts; give net.cost('multiply_adds', x) with x (N, {channels}, H, W)"
        )
    shape = tuple(getattr(x, "shape", ()))
    if len(shape) != 4 or shape[1] != channels:
        raise SettingError(
            f"cost: found an example of shape {shape}, expected images (N, {channels}, H, W); give "
            "those that the network is called with"
        )
    return int(shape[2]), int(shape[3])
