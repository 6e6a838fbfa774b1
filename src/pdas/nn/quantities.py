"""What a supernet's costs can count, and the checks of what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from torch import Tensor

from pdas.cost.base import Quantity
from pdas.support.errors import SettingError
from pdas.support.refusals import check_one_of, refuse

QUANTITIES: tuple[str, ...] = get_args(Quantity)


def check_quantity(quantity: str, measuring: Iterable[str] = ()) -> None:
    """Check the name of a quantity.

    Args:
        quantity: what was asked for.
        measuring: names of settings that only a latency has.

    Raises:
        SettingError: it is none of `QUANTITIES`, or it has no such settings.
    """
    remedy = "or give a table of numbers for each category, or make a pdas.cost.FunctionCost"
    check_one_of("cost", quantity, QUANTITIES, remedy)
    if quantity != "latency" and (names := list(measuring)):
        refuse(
            SettingError,
            names[0],
            found=f"it with {quantity!r}",
            expected="it with 'latency' alone, which is measured",
            remedy="leave it out",
        )


def image_size(
    x: Tensor | None, channels: int, quantity: Quantity = "multiply_adds"
) -> tuple[int, int]:
    """Height and width in pixels of example images.

    Args:
        x: `(N, channels, H, W)`.
        channels: of the images of the network.
        quantity: for which they are needed, for the message.

    Raises:
        SettingError: `x` is missing, which this quantity needs, or is no such images.
    """
    expected = f"(N, {channels}, H, W)"
    if x is None:
        refuse(
            SettingError,
            "cost",
            found=f"no images for {quantity!r}",
            expected="an example, of which the shape counts",
            remedy=f"give net.cost({quantity!r}, x) with x {expected}",
        )
    shape = tuple(getattr(x, "shape", ()))
    if len(shape) != 4 or shape[1] != channels:
        refuse(
            SettingError,
            "cost",
            found=f"an example of shape {shape}",
            expected=f"images {expected}",
            remedy="give those that the network is called with",
        )
    return int(shape[2]), int(shape[3])
