"""The family of dense networks, whose layers become wider and whose blocks become deeper.

It has no supernet: its networks are trained one by one, and a child inherits by `net2net`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdas.space import Architecture, Label, SearchSpace, as_labels
from pdas.spaces.base import FAMILIES, Family
from pdas.spaces.densenets.settings import DenseNetSettings, DenseNetSize
from pdas.spaces.densenets.space import chain_text, densenet_space, growths_of
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import validated

if TYPE_CHECKING:
    from pdas.spaces.densenets.network import DenseNet
    from pdas.spaces.densenets.unshared import UnsharedDenseNets


class DenseNets(Family):
    """See `Family`.

    Example:
        FAMILIES["densenets"].space(DenseNetSettings(layers=4))
    """

    settings = DenseNetSettings
    sizes = DenseNetSize
    shares_weights = False

    def space(self, network: DenseNetSettings) -> SearchSpace:
        return densenet_space(network)

    def size(
        self, network: DenseNetSettings, image_shape: tuple[int, int, int], outputs: int
    ) -> DenseNetSize:
        channels, *sides = image_shape
        least = 2 ** (network.blocks - 1)
        if min(sides) < least:
            refuse(
                SettingError,
                "image size",
                found="x".join(map(str, sides)),
                expected=f"at least {least}x{least} for {network.blocks} blocks",
                remedy="lower network.blocks",
            )
        values = {"image_channels": channels, "classes": outputs}
        return validated(DenseNetSize, network.model_dump() | values, "network")

    def supernet(self, size: DenseNetSize) -> UnsharedDenseNets:
        from pdas.spaces.densenets.unshared import UnsharedDenseNets

        return UnsharedDenseNets(size)

    def network(
        self, architecture: Architecture | Mapping[str, object], size: DenseNetSize, **options: Any
    ) -> DenseNet:
        from pdas.spaces.densenets.network import DenseNet

        return DenseNet(growths_of(as_labels(architecture)), size)

    def fitted(self, network: DenseNetSettings, labels: Mapping[str, Label]) -> DenseNetSettings:
        found = [match for name in labels if (match := _VARIABLE.fullmatch(name))]
        growths = {label for label in labels.values() if type(label) is int}
        if not found:
            return network
        values = {
            "blocks": max(int(match[1]) for match in found),
            "layers": max(int(match[2]) for match in found),
            "growths": tuple(sorted(growths | {*network.growths})),
        }
        return validated(type(network), network.model_dump() | values, "network")

    def text(self, labels: Mapping[str, object]) -> str:
        return chain_text(growths_of(labels))

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        return [("growths", self.text(labels))]


_VARIABLE = re.compile(r"block([1-9]\d{0,2})/layer([1-9]\d{0,2})")

FAMILIES.add("densenets", DenseNets())
