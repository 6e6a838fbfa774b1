"""The family of symmetric convolutional auto-encoders, of the paper's inpainting (section 4.2).

A chain of encoder layers is searched; the decoder mirrors it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.autoencoders.chain import read_chain
from pdas.spaces.autoencoders.settings import AutoencoderSettings, AutoencoderSize, ChainSettings
from pdas.spaces.autoencoders.space import (
    autoencoder_space,
    base_architecture,
    chain_text,
    count_layers,
    decode_chain,
    is_chain,
)
from pdas.spaces.base import FAMILIES, Drawing, Family
from pdas.support.errors import SettingError, SpaceError
from pdas.support.refusals import refuse
from pdas.support.settings import validated

if TYPE_CHECKING:
    from pdas.spaces.autoencoders.network import AutoencoderNetwork
    from pdas.spaces.autoencoders.supernet import AutoencoderSupernet


class Autoencoders(Family):
    """See `Family`.

    Example:
        FAMILIES["autoencoders"].space(ChainSettings(layers=6))
    """

    settings = ChainSettings
    sizes = AutoencoderSize
    restores = True

    def space(self, network: ChainSettings) -> SearchSpace:
        return autoencoder_space(network)

    def size(
        self, network: ChainSettings, image_shape: tuple[int, int, int], outputs: int
    ) -> AutoencoderSize:
        channels, height, width = image_shape
        if outputs != channels:
            refuse(
                SettingError,
                "network.space",
                found=f"'autoencoders', which restore images of {channels} channels",
                expected=f"a family of networks with {outputs} outputs",
                remedy="use another family for this task",
            )
        values = {"image_channels": channels, "height": height, "width": width}
        return validated(AutoencoderSize, network.model_dump() | values, "network")

    def supernet(self, size: AutoencoderSize) -> AutoencoderSupernet:
        from pdas.spaces.autoencoders.supernet import AutoencoderSupernet

        return AutoencoderSupernet(**size.model_dump(include=set(AutoencoderSettings.model_fields)))

    def network(
        self,
        architecture: Architecture | Mapping[str, object],
        size: AutoencoderSize,
        **options: Any,
    ) -> AutoencoderNetwork:
        """The derived network; there are no options."""
        from pdas.spaces.autoencoders.network import AutoencoderNetwork

        sides = (size.height, size.width)
        return AutoencoderNetwork(architecture, size.image_channels, sides, **options)

    def parameters(
        self, architecture: Architecture | Mapping[str, object], size: AutoencoderSize
    ) -> int:
        from pdas.spaces.autoencoders.size import count_weights

        return count_weights(architecture, size.image_channels, (size.height, size.width))

    def recognises(self, labels: Mapping[str, object]) -> bool:
        return is_chain(labels)

    def fitted(self, network: ChainSettings, labels: Mapping[str, Label]) -> ChainSettings:
        layers = count_layers(labels)
        if layers == 0:
            refuse(
                SpaceError,
                "architecture",
                found="no layers",
                expected="those of an auto-encoder",
                remedy="give an architecture.json of a search of auto-encoders",
            )
        return network.model_copy(update={"layers": layers})

    def baseline(self, architecture: Architecture) -> Architecture:
        return base_architecture(architecture)

    def text(self, labels: Mapping[str, object]) -> str:
        return chain_text(decode_chain(labels)).replace(" -> ", "\n-> ")

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        return [("chain", chain_text(decode_chain(labels)))]

    def drawing(self, labels: Mapping[str, object], image_size: int | None = None) -> Drawing:
        from pdas.spaces.autoencoders.drawing import chain_figure

        figure = chain_figure(read_chain(labels, image_size))
        return Drawing(figure, "The layers of the auto-encoder")


FAMILIES.add("autoencoders", Autoencoders())
