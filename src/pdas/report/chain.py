"""An auto-encoder as it is drawn and told: the chain of its layers, with the sizes of the maps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pdas.nn.autoencoder.space import (
    ChainSettings,
    Layer,
    LayerType,
    autoencoder_space,
    count_layers,
    decode_chain,
    traversed,
)
from pdas.space import SearchSpace


@dataclass(frozen=True)
class Chain:
    """The encoder layers of an auto-encoder, from the image on.

    Attributes:
        layers: those that an image goes through.
        passed: those of the chain that it does not, since its map is 1x1 already.
        known: how many layers the architecture has variables of.
        sizes: pixels a side of the image and of the map behind each layer; empty if unknown.
    """

    layers: tuple[Layer, ...]
    passed: tuple[Layer, ...]
    known: int
    sizes: tuple[int, ...]


def is_chain(architecture: Mapping[str, object]) -> bool:
    """Whether labels are those of an auto-encoder, and of nothing else."""
    layers = count_layers(architecture)
    labels = {
        name: label
        for name, label in architecture.items()
        if isinstance(label, int | str) and not isinstance(label, bool)
    }
    if layers == 0 or len(labels) < len(architecture):
        return False
    try:
        _space_around(labels.values(), layers).architecture(labels)
    except ValueError:  # of a label, the settings or the space
        return False
    return True


def _space_around(labels: Collection[int | str], layers: int) -> SearchSpace:
    """A space of so many layers that has all these labels as kernels or channels."""
    kernels = {LayerType.parse(label).kernel for label in labels if isinstance(label, str)}
    numbers = {label for label in labels if isinstance(label, int) and label > 0}
    settings = ChainSettings(
        layers=layers,
        level_back=layers + 1,  # so that the output may read the image
        kernels=tuple(sorted(kernels)),
        channels=tuple(sorted(numbers)),
    )
    return autoencoder_space(settings)


def read_chain(architecture: Mapping[str, object], image_size: int | None = None) -> Chain:
    """The chain of an architecture for which `is_chain` holds, for images of a size if given."""
    chain, known = decode_chain(architecture), count_layers(architecture)
    if image_size is None:
        return Chain(chain, (), known, ())
    layers = traversed(chain, image_size, image_size)
    sizes = [image_size]
    for layer in layers:
        sizes.append(-(-sizes[-1] // layer.type.stride))
    passed = tuple(layer for layer in chain if layer not in layers)
    return Chain(layers, passed, known, tuple(sizes))
