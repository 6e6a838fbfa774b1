"""An auto-encoder as it is drawn and told: the chain of its layers, with the sizes of the maps."""

from __future__ import annotations

from dataclasses import dataclass

from pdas.space import Assignment
from pdas.spaces.autoencoders.space import Layer, count_layers, decode_chain, traversed


@dataclass(frozen=True)
class Chain:
    """The encoder layers of an auto-encoder, from the image on.

    Attributes:
        layers: those that an image goes through.
        passed: those of the chain that it does not, since its map is 1x1 already.
        known: how many layers the architecture has variables of.
        sizes: pixels a side of the image and of the map behind each layer; empty if unknown.

    Example:
        read_chain(architecture, image_size=64).sizes
    """

    layers: tuple[Layer, ...]
    passed: tuple[Layer, ...]
    known: int
    sizes: tuple[int, ...]


def read_chain(architecture: Assignment, image_size: int | None = None) -> Chain:
    """The chain of an architecture for which `is_chain` holds.

    Args:
        architecture: the architecture, or its labels.
        image_size: pixels a side of the images, where they are known.
    """
    chain, known = decode_chain(architecture), count_layers(architecture)
    if image_size is None:
        return Chain(chain, (), known, ())
    layers = traversed(chain, image_size, image_size)
    sizes = [image_size]
    for layer in layers:
        sizes.append(-(-sizes[-1] // layer.type.stride))
    passed = tuple(layer for layer in chain if layer not in layers)
    return Chain(layers, passed, known, tuple(sizes))
