"""The supernet of auto-encoders: one set of weights for each (layer, type), sliced by channels.

Only the layers in use are computed, at their true widths: the weight is sliced, nothing is padded.
What two architectures have in common from the image on is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Unpack

from pdas.cost import Cost, FunctionCost
from pdas.cost.base import Quantity
from pdas.cost.table import CostTable
from pdas.nn.costs import table_cost
from pdas.nn.counting.latency import Measuring, latency
from pdas.nn.memo import Memo
from pdas.nn.quantities import check_quantity, image_size
from pdas.nn.sliced import SlicedWeight
from pdas.space import Architecture, check_architecture
from pdas.spaces.autoencoders.initial import he
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.settings import AutoencoderSettings
from pdas.spaces.autoencoders.size import count_multiply_adds, count_weights
from pdas.spaces.autoencoders.space import (
    OUTPUT_KERNEL,
    Layer,
    active_variables,
    autoencoder_space,
    decode_chain,
    layer_types,
    traversed,
)
from pdas.spaces.memory_format import Formatted
from pdas.support.arrays import BoolArray
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import validated

Size = tuple[int, int]


class AutoencoderSupernet(Formatted):
    """All architectures of the auto-encoder space in one module (paper, section 4.2).

    The defaults have 183 million weights.

    Args:
        settings: those of `AutoencoderSettings`, by name; all are optional.

    Attributes:
        settings: the same, complete.
        space: of `autoencoder_space`.

    Raises:
        SettingError: a setting is unknown or out of range.

    Example:
        net = AutoencoderSupernet(layers=4, channels=(8, 16))
        restored = net(torch.rand(2, 3, 32, 32), net.space.uniform(np.random.default_rng(0)))
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = validated(AutoencoderSettings, settings, "network")
        self.space = autoencoder_space(self.settings)
        self.layers = nn.ModuleList(
            SearchLayer(self.settings, reads_image=i <= self.settings.level_back)
            for i in range(1, self.settings.layers + 1)
        )
        widths = self.settings.channels
        image = self.settings.image_channels
        if self.settings.layers < self.settings.level_back:  # the output may read the image
            widths = _breakpoints(image, widths)
        whole = he(nn.ConvTranspose2d(widths[-1], image, OUTPUT_KERNEL, bias=False), relu=False)
        self.output = SlicedWeight(whole.weight, widths, (image,))
        self.use_format()

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        """The restored images of one architecture.

        Args:
            x: images `(N, image_channels, H, W)`, not of a single pixel.
            architecture: of `space`.

        Returns:
            Images of the shape of `x`, not clipped.

        Raises:
            SettingError: the images have a single pixel.
            SpaceError: the architecture is of another space.
        """
        return self.forward_many(x, [architecture])[0]

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        """The restored images of several architectures for the same input; see `forward`.

        Args:
            x: images `(N, image_channels, H, W)`.
            architectures: each of `space`.

        Returns:
            For each architecture the shape of `x`.
        """
        for architecture in architectures:
            check_architecture("architecture", architecture, self.space)
        memo = Memo()
        height, width = x.shape[-2:]
        if height == width == 1:  # which every layer that samples down would pass over
            refuse(SettingError, "images", found="1x1 pixels", expected="at least 2 in a side")
        chains = [traversed(decode_chain(a), height, width) for a in architectures]
        x = self.formatted(x)
        return [self._restore(x, chain, memo) for chain in chains]

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables the architecture uses: those of the layers on its chain.

        Changing another one changes nothing. It is the same for images of every size.

        Args:
            architecture: of `space`.

        Returns:
            bool, shape (D,).

        Raises:
            SpaceError: the architecture is of another space.
        """
        check_architecture("architecture", architecture, self.space)
        return active_variables(architecture)

    def derive(
        self,
        architecture: Architecture,
        size: Size,
        *,
        keep_weights: bool = False,
    ) -> AutoencoderNetwork:
        """The plain network of one architecture.

        Args:
            architecture: of `space`.
            size: height and width of the images, which decide what samples down.
            keep_weights: copy the supernet's weights instead of drawing fresh ones.

        Raises:
            SpaceError: the architecture is of another space.
        """
        check_architecture("architecture", architecture, self.space)
        image = self.settings.image_channels
        network = AutoencoderNetwork(architecture, image, size)
        weight = next(self.output.parameters())
        network.to(weight)  # device and precision
        if keep_weights:
            self._copy_weights(network)
        return network

    def cost(
        self,
        quantity: Quantity | CostTable,
        x: Tensor | None = None,
        **measuring: Unpack[Measuring],
    ) -> Cost:
        """What the derived network of an architecture costs. Only a latency runs anything.

        Args:
            quantity: "parameters"; "multiply_adds" of all convolutions for one image; "latency" in
                milliseconds of one call on the images, measured now; or a table of numbers by
                variable and label, which count where the variable is in use.
            x: example images `(N, image_channels, H, W)`. But for a latency only H and W count,
                which decide which layers are passed over; without them, for parameters, none is.
            measuring: of a latency, see `pdas.nn.counting.latency.latency`.

        Raises:
            SettingError: the quantity or the images are not as said.
            SpaceError: the table does not fit the space.
        """
        if isinstance(quantity, Mapping):
            return table_cost(self, quantity)
        image = self.settings.image_channels
        check_quantity(quantity, measuring)
        if quantity == "parameters":
            known = None if x is None else image_size(x, image)
            count = partial(count_weights, image_channels=image, size=known)
            return FunctionCost(self.space, count)
        size = image_size(x, image, quantity)
        if quantity == "latency":
            derive = partial(self.derive, size=size, keep_weights=True)
            return latency(self, x, derive=derive, **measuring)
        count = partial(count_multiply_adds, image_channels=image, size=size)
        return FunctionCost(self.space, count)

    def _restore(self, x: Tensor, chain: Sequence[Layer], memo: Memo) -> Tensor:
        """Down the encoder of a chain, and back up the decoder that mirrors it."""
        way: list[tuple[SearchLayer, Layer, Size, Tensor]] = []
        for layer in chain:
            weights = self._weights(layer)
            height, width = x.shape[-2:]
            x = memo(weights.encode, layer, x)
            way.append((weights, layer, (height, width), x))
        # Back up, the last layer first; at a skip it adds the map of the same layer.
        for weights, layer, size, h in reversed(way):
            x = memo(weights.decode, layer, size, x, h)
        return memo(self._output, x)

    def _weights(self, layer: Layer) -> SearchLayer:
        """The weights of a layer on a chain."""
        weights = self.layers[layer.index - 1]
        assert isinstance(weights, SearchLayer)
        return weights

    def _output(self, x: Tensor) -> Tensor:
        """The last convolution, to the channels of the images."""
        weight = self.output(x.shape[1], self.settings.image_channels)
        return F.conv_transpose2d(x, weight, padding=OUTPUT_KERNEL // 2)

    @torch.no_grad()
    def _copy_weights(self, network: AutoencoderNetwork) -> None:
        """Copy the slices that the network has, layer by layer."""
        for layer, convolution in zip(network.chain, network.encoder, strict=True):
            _copy(convolution, self._weights(layer).encoder[layer.type.label])
        for layer, convolution in zip(reversed(network.chain), network.decoder, strict=True):
            _copy(convolution, self._weights(layer).decoder[layer.type.label])
        _copy(network.output, self.output)


class SearchLayer(nn.Module):
    """The weights of one layer, encoder and decoder, for each type.

    Args:
        settings: of the network.
        reads_image: whether the layer may read the image, whose channels are then a width too.

    Example:
        SearchLayer(AutoencoderSettings(), reads_image=True).encode(layer, images)
    """

    def __init__(self, settings: AutoencoderSettings, *, reads_image: bool) -> None:
        super().__init__()
        widths = settings.channels
        inputs = _breakpoints(settings.image_channels, widths) if reads_image else widths
        self.encoder, self.decoder = nn.ModuleDict(), nn.ModuleDict()
        for kind in layer_types(settings):
            shape: dict[str, Any] = {"stride": kind.stride, "bias": False}
            encoder = he(nn.Conv2d(inputs[-1], widths[-1], kind.kernel, **shape))
            decoder = he(nn.ConvTranspose2d(widths[-1], widths[-1], kind.kernel, **shape))
            self.encoder[kind.label] = SlicedWeight(encoder.weight, widths, inputs)
            self.decoder[kind.label] = SlicedWeight(decoder.weight, widths, widths)

    def encode(self, layer: Layer, x: Tensor) -> Tensor:
        """ReLU of the convolution.

        Args:
            layer: with its type and its channels.
            x: `(N, in, H, W)`.

        Returns:
            `(N, channels, H', W')`; H' and W' are halved by a stride of 2.
        """
        weight = self.encoder[layer.type.label](layer.channels, x.shape[1])
        kind = layer.type
        # In place, since autograd keeps the output of a ReLU and not its input.
        return F.conv2d(x, weight, stride=kind.stride, padding=kind.padding).relu_()

    def decode(self, layer: Layer, size: Size, x: Tensor, h: Tensor) -> Tensor:
        """ReLU of the transposed convolution.

        Args:
            layer: the encoder layer that this one mirrors.
            size: height and width of the output, those that the encoder layer read.
            x: `(N, in, H', W')`.
            h: the output of the encoder layer; it is added at a skip.

        Returns:
            `(N, channels, H, W)`.
        """
        weight = self.decoder[layer.type.label](x.shape[1], layer.channels)
        kind = layer.type
        # With stride 2 two sizes lead to the same map; so many rows and columns are missing.
        smallest = [(length - 1) * kind.stride + 1 for length in x.shape[-2:]]
        extra = [wanted - least for wanted, least in zip(size, smallest, strict=True)]
        out = F.conv_transpose2d(x, weight, None, kind.stride, kind.padding, extra)
        return (out.add_(h) if kind.skip else out).relu_()


def _breakpoints(image_channels: int, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The widths at which weights that may read an image are cut."""
    return tuple(sorted({image_channels, *widths}))


def _copy(convolution: nn.Module, weight: nn.Module) -> None:
    """Copy the slice of a weight that has the shape of a convolution's."""
    target = convolution.weight
    assert isinstance(target, nn.Parameter)
    target.copy_(weight(*target.shape[:2]))
