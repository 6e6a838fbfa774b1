"""What stands where other families have a supernet: these networks share no weights."""

from __future__ import annotations

from typing import NoReturn

from torch import nn

from pdas.space import Architecture
from pdas.spaces.densenets.network import DenseNet
from pdas.spaces.densenets.settings import DenseNetSize
from pdas.spaces.densenets.space import densenet_space, growths_of
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


class UnsharedDenseNets(nn.Module):
    """The space and its derived networks, without weights of its own.

    Args:
        size: of the networks.

    Attributes:
        space: the search space.
        shares_weights: False.

    Example:
        UnsharedDenseNets(size).derive(architecture)
    """

    shares_weights = False

    def __init__(self, size: DenseNetSize) -> None:
        super().__init__()
        self.space = densenet_space(size)
        self._size = size

    def forward(self, *args: object) -> NoReturn:
        """Refused.

        Raises:
            SettingError: always.
        """
        refuse(
            SettingError,
            "search.method",
            found="a method that trains shared weights, which 'densenets' do not have",
            expected="one that trains networks one by one",
            remedy="use eas, evolution, renas-like, nas, nasnet, nao or random",
        )

    def derive(self, architecture: Architecture) -> DenseNet:
        """The network of an architecture with fresh weights."""
        return DenseNet(growths_of(architecture.to_dict()), self._size)
