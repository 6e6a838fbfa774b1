"""The search space of auto-encoders (paper, section 4.2) and its decoding.

There are Nc encoder layers. Layer i, from 1, has a type (a kernel, and a skip connection or
down-sampling), a number of channels, and the layer it reads, among i - 1 ... max(0, i - b); layer 0
is the image. The output reads one of the last b layers. Walking back from the output gives the
chain of layers in use. With the paper's settings D = 60 and sum K = 274.
This module is the only one that knows how a chain is written as variables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdas.space import Architecture, Assignment, Label, SearchSpace
from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.support.arrays import BoolArray
from pdas.support.errors import SpaceError
from pdas.support.refusals import refuse

OUTPUT = "output/from"
OUTPUT_KERNEL = 3  # of the convolution after the decoder


@dataclass(frozen=True)
class LayerType:
    """A kernel, with a skip connection or else with stride 2.

    Attributes:
        kernel: pixels a side.
        skip: whether there is a skip connection.

    Example:
        LayerType.parse("3x3_down").stride  # 2
    """

    kernel: int
    skip: bool

    @property
    def label(self) -> str:
        """As in an architecture: "3x3_skip" or "3x3_down"."""
        return f"{self.kernel}x{self.kernel}_{'skip' if self.skip else 'down'}"

    @classmethod
    def parse(cls, label: str) -> LayerType:
        """The type of a label.

        Args:
            label: as "3x3_skip".

        Raises:
            SpaceError: it is no label of a type.
        """
        kernel, _, use = label.partition("_")
        if use not in ("skip", "down"):
            refuse(SpaceError, "layer type", found=repr(label), expected="one as '3x3_skip'")
        return cls(int(kernel.partition("x")[0]), use == "skip")

    @property
    def stride(self) -> int:
        """2 if the layer samples down, else 1."""
        return 1 if self.skip else 2

    @property
    def padding(self) -> int:
        """Pixels of zeros around the image, so that a stride of 1 keeps its size."""
        return self.kernel // 2


@dataclass(frozen=True)
class Layer:
    """An encoder layer in use.

    Attributes:
        index: its number, from 1.
        type: its kernel, and skip or stride.
        channels: of its output.
        source: the number of the layer that it reads; 0 is the image.

    Example:
        Layer(1, LayerType(3, skip=True), channels=64, source=0)
    """

    index: int
    type: LayerType
    channels: int
    source: int

    def __str__(self) -> str:
        kernel = f"{self.type.kernel}x{self.type.kernel}"
        skip = " skip" if self.type.skip else ""
        return f"({kernel}{skip}, {self.channels}, from {self.source})"


def layer_types(settings: ChainSettings) -> tuple[LayerType, ...]:
    """All types that a layer may have.

    Args:
        settings: of the space.
    """
    return tuple(LayerType(kernel, skip) for skip in (True, False) for kernel in settings.kernels)


def autoencoder_space(settings: ChainSettings) -> SearchSpace:
    """The variables `layer1/type`, `layer1/channels`, `layer2/type`, ... `output/from`.

    Args:
        settings: of the space.
    """
    variables: dict[str, Sequence[Label]] = {}
    types = tuple(kind.label for kind in layer_types(settings))
    for i in range(1, settings.layers + 1):
        variables[f"layer{i}/type"] = types
        variables[f"layer{i}/channels"] = settings.channels
        if i > 1:
            variables[f"layer{i}/from"] = _sources(i, settings.level_back)
    variables[OUTPUT] = _sources(settings.layers + 1, settings.level_back)
    return SearchSpace(variables)


def decode_chain(architecture: Assignment) -> tuple[Layer, ...]:
    """The chain of layers in use, from the image on.

    Args:
        architecture: of the auto-encoder space, or its labels.

    Raises:
        SpaceError: a label is not one of an auto-encoder.
    """
    chain: list[Layer] = []
    i = _integer(architecture[OUTPUT])
    while i > 0:
        source = _integer(architecture[f"layer{i}/from"]) if i > 1 else 0
        if not 0 <= source < i:  # or the walk would not end
            refuse(SpaceError, f"layer{i}/from", found=f"{source}", expected=f"0 to {i - 1}")
        kind = LayerType.parse(str(architecture[f"layer{i}/type"]))
        chain.append(Layer(i, kind, _integer(architecture[f"layer{i}/channels"]), source))
        i = source
    return tuple(reversed(chain))


def active_variables(architecture: Architecture) -> BoolArray:
    """Which variables matter: those of the layers in use, and the output's.

    Args:
        architecture: of the auto-encoder space.

    Returns:
        bool, shape (D,).
    """
    in_use = tuple(f"layer{layer.index}/" for layer in decode_chain(architecture))
    return np.array([name == OUTPUT or name.startswith(in_use) for name in architecture.space])


def count_layers(architecture: Assignment) -> int:
    """Layers that an architecture has variables of; 0 if it is of another space.

    Args:
        architecture: an architecture, or its labels.
    """
    layers = 0
    while f"layer{layers + 1}/type" in architecture:
        layers += 1
    return layers


def is_chain(architecture: Mapping[str, object]) -> bool:
    """Whether labels are those of an auto-encoder, and of nothing else.

    Args:
        architecture: the labels.
    """
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


def traversed(chain: Sequence[Layer], height: int, width: int) -> tuple[Layer, ...]:
    """The layers of a chain that an image of this size goes through.

    A layer that samples down is passed over where the feature map is 1x1 already.

    Args:
        chain: of `decode_chain`.
        height, width: of the image, in pixels.
    """
    through: list[Layer] = []
    for layer in chain:
        if layer.type.skip or height > 1 or width > 1:
            through.append(layer)
        if not layer.type.skip:
            height, width = -(-height // 2), -(-width // 2)  # half, rounded up
    return tuple(through)


def chain_text(chain: Sequence[Layer]) -> str:
    """The chain as the paper draws it: "(3x3, 256, from 0) -> (5x5 skip, 128, from 1)".

    A layer without skip connection samples down.

    Args:
        chain: of `decode_chain`.
    """
    return " -> ".join(map(str, chain)) or "(the image)"


def base_architecture(architecture: Architecture) -> Architecture:
    """The paper's BASE of the same depth: the same chain of 3x3 layers with skips, 64 channels.

    Where the space has others, the kernel nearest to 3 and the number of channels nearest to 64.

    Args:
        architecture: with this chain.
    """
    space = architecture.space
    labels = architecture.to_dict()
    for layer in decode_chain(architecture):
        types = [LayerType.parse(str(label)) for label in space[f"layer{layer.index}/type"]]
        nearest = min((t for t in types if t.skip), key=lambda t: abs(t.kernel - 3))
        labels[f"layer{layer.index}/type"] = nearest.label
        channels = map(_integer, space[f"layer{layer.index}/channels"])
        labels[f"layer{layer.index}/channels"] = min(channels, key=lambda n: abs(n - 64))
    return space.architecture(labels)


def _sources(i: int, level_back: int) -> tuple[int, ...]:
    """What layer i may read: i - 1 ... max(0, i - b), min(i, b) categories."""
    return tuple(range(i - 1, max(0, i - level_back) - 1, -1))


def _integer(label: object) -> int:
    """A label that is a number; another one is refused."""
    if not isinstance(label, int):
        refuse(SpaceError, "architecture", found=repr(label), expected="a whole number")
    return label
