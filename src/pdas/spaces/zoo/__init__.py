"""The family of well-known classifiers, of torchvision and timm.

They are what found networks are compared with. They are taken as they are; what they get is
described in `network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdas.space import Architecture, Label, SearchSpace, as_labels
from pdas.spaces.base import FAMILIES, Family
from pdas.spaces.zoo.settings import ZooSettings, ZooSize
from pdas.support.errors import SettingError, SpaceError
from pdas.support.refusals import refuse
from pdas.support.settings import validated

if TYPE_CHECKING:
    from torch import nn

    from pdas.spaces.zoo.network import WellKnownNetwork

VARIABLE = "well-known network"


class Zoo(Family):
    """See `Family`.

    Example:
        FAMILIES["zoo"].space(ZooSettings(networks=("resnet18", "mobilenet_v2")))
    """

    settings = ZooSettings
    sizes = ZooSize

    def space(self, network: ZooSettings) -> SearchSpace:
        return SearchSpace({VARIABLE: network.networks})

    def size(
        self, network: ZooSettings, image_shape: tuple[int, int, int], outputs: int
    ) -> ZooSize:
        from pdas.spaces.zoo.network import smallest_side

        channels, height, width = image_shape
        if channels not in (1, 3):
            refuse(
                SettingError,
                "network.space",
                found=f"'zoo' for images of {channels} channels",
                expected="grey images or RGB",
                remedy="use another family",
            )
        for name in network.networks:
            smallest_side(name, (height, width))
        values = {"image_channels": channels, "height": height, "width": width, "classes": outputs}
        return validated(ZooSize, network.model_dump() | values, "network")

    def supernet(self, size: ZooSize) -> nn.Module:
        from pdas.nn import Choice, Supernet

        networks: dict[Label, nn.Module] = {
            name: self.network({VARIABLE: name}, size) for name in size.networks
        }
        return Supernet(Choice(VARIABLE, networks))

    def network(
        self, architecture: Architecture | Mapping[str, object], size: ZooSize, **options: Any
    ) -> WellKnownNetwork:
        """The network; with the option `pretrained` from its published weights."""
        from pdas.spaces.zoo.network import WellKnownNetwork

        name = str(as_labels(architecture)[VARIABLE])
        return WellKnownNetwork(name, size.classes, (size.height, size.width), **options)

    def recognises(self, labels: Mapping[str, object]) -> bool:
        return list(labels) == [VARIABLE]

    def fitted(self, network: ZooSettings, labels: Mapping[str, Label]) -> ZooSettings:
        if not self.recognises(labels):
            refuse(
                SpaceError,
                "architecture",
                found="no well-known network",
                expected="the name of one",
                remedy="give an architecture.json of such a network",
            )
        name = str(labels[VARIABLE])
        known = name in network.networks
        return network if known else network.model_copy(update={"networks": (name,)})

    def text(self, labels: Mapping[str, object]) -> str:
        return str(labels[VARIABLE])

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        return [("network", self.text(labels))]


FAMILIES.add("zoo", Zoo())
