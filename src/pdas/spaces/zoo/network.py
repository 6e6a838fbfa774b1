"""A well-known network for images of any size, grey or RGB."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pdas.spaces.zoo.models import check_known, made, published_state
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

SIDES = (32, 64, 96, 128, 224, 299)  # to which images are enlarged that are too small


class WellKnownNetwork(nn.Module):
    """A classifier of torchvision or timm, as it is, with as many outputs as there are classes.

    Grey images are repeated in three channels. Images that are too small for the network, or of
    another size than it is made for, are enlarged.

    Args:
        name: of the network.
        classes: the number of outputs.
        sides: height and width of the images.
        pretrained: whether it has the published weights, but for what has another shape.

    Raises:
        SettingError: the network is unknown, or its weights cannot be fetched.

    Example:
        WellKnownNetwork("resnet18", 10, (28, 28))(torch.zeros(1, 1, 28, 28))
    """

    def __init__(
        self, name: str, classes: int, sides: tuple[int, int], pretrained: bool = False
    ) -> None:
        super().__init__()
        self.side = smallest_side(name, sides)
        self.network = made(name, classes)
        if pretrained:
            _load_fitting(self.network, published_state(name))

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, C, H, W)`, C being 1 or 3."""
        rgb = images.expand(-1, 3, -1, -1)
        if self.side is not None:
            rgb = interpolate(rgb, (self.side, self.side), mode="bilinear", antialias=True)
        logits: Tensor = self.network(rgb)
        return logits


@cache
def smallest_side(name: str, sides: tuple[int, int]) -> int | None:
    """The pixels a side to which images are enlarged for a network.

    Args:
        name: of the network.
        sides: height and width of the images.

    Returns:
        None where the network takes them as they are.

    Raises:
        SettingError: the network is unknown, or takes no size that is tried.
    """
    check_known(name)
    with torch.device("meta"):  # shapes alone, without memory or arithmetic
        network = made(name, 2).eval()
    if _takes(network, sides):
        return None
    for side in SIDES:
        if _takes(network, (side, side)):
            return side
    refuse(
        SettingError,
        "network.networks",
        found=f"{name}, which takes no images of {', '.join(map(str, SIDES))} pixels a side",
        expected="a classifier of images",
        remedy="use another",
    )


def _takes(network: nn.Module, sides: tuple[int, int]) -> bool:
    try:
        logits: Any = network(torch.zeros(2, 3, *sides, device="meta"))
    except Exception:  # of another library, which may raise anything
        return False
    return isinstance(logits, Tensor) and logits.shape == (2, 2)


def _load_fitting(network: nn.Module, published: dict[str, Tensor]) -> None:
    """Load the weights whose shapes fit, which are all but those of the last layer."""
    own = network.state_dict()
    fitting = {
        name: weight
        for name, weight in published.items()
        if name in own and own[name].shape == weight.shape
    }
    network.load_state_dict(own | fitting)
