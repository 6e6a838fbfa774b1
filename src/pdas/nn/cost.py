"""What a supernet's costs can count, and the check of what is asked for."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from pdas.errors import SettingError

Quantity = Literal["parameters", "multiply_adds"]
QUANTITIES = ("parameters", "multiply_adds")


def check_quantity(quantity: str, x: Tensor | None, channels: int) -> tuple[int, int] | None:
    """Height and width of the example images `x` `(N, channels, H, W)`; None without them.

    Raises `SettingError` if the quantity is unknown, if `x` is no such images, or if it is missing
    for multiply-adds.
    """
    if quantity not in QUANTITIES:
        raise SettingError(f"cost: found {quantity!r}, expected one of {', '.join(QUANTITIES)}")
    if x is None:
        if quantity == "multiply_adds":
            raise SettingError(
                "cost: found no images for 'multiply_adds', expected an example, of which the "
                f"shape counts; give net.cost('multiply_adds', x) with x (N, {channels}, H, W)"
            )
        return None
    shape = tuple(getattr(x, "shape", ()))
    if len(shape) != 4 or shape[1] != channels:
        raise SettingError(
            f"cost: found an example of shape {shape}, expected images (N, {channels}, H, W); give "
            "those that the network is called with"
        )
    return int(shape[2]), int(shape[3])
