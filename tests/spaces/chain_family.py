from collections.abc import Mapping
from typing import Any, Literal

from pydantic import PositiveInt

from pdas.space import Architecture, Label, SearchSpace, as_labels
from pdas.spaces.base import FAMILIES, Family, FamilySettings


class ChainSettings(FamilySettings):
    space: Literal["chain"] = "chain"
    layers: PositiveInt = 3
    widths: tuple[PositiveInt, ...] = (8, 16)


class ChainSize(ChainSettings):  # with what the images add
    channels: PositiveInt
    outputs: PositiveInt


class Chain(Family):
    settings = ChainSettings
    sizes = ChainSize

    def space(self, network: ChainSettings) -> SearchSpace:
        numbers = range(1, network.layers + 1)
        widths = {f"layer{i}/width": network.widths for i in numbers}
        return SearchSpace({"depth": tuple(numbers), **widths})

    def size(
        self, network: ChainSettings, image_shape: tuple[int, int, int], outputs: int
    ) -> ChainSize:
        images = {"channels": image_shape[0], "outputs": outputs}
        return ChainSize(**network.model_dump() | images)

    def supernet(self, size: ChainSize) -> Any:
        from torch import nn  # here, so that to know the family needs no torch

        from pdas.nn import BatchNorm2d, Conv2d, Repeat, Supernet, Value

        blocks = []
        for i in range(1, size.layers + 1):
            width = Value(f"layer{i}/width", size.widths)
            wide = Conv2d(8, width, 3, padding=1, bias=False)
            blocks.append(nn.Sequential(wide, BatchNorm2d(width), nn.ReLU(), Conv2d(width, 8, 1)))
        stem, head = nn.Conv2d(size.channels, 8, 3, padding=1), nn.Linear(8, size.outputs)
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return Supernet(nn.Sequential(stem, Repeat("depth", blocks), pool, head))

    def network(
        self, architecture: Architecture | Mapping[str, object], size: ChainSize, **options: Any
    ) -> Any:
        net = self.supernet(size)
        return net.derive(net.space.architecture(as_labels(architecture)))

    def fitted(self, network: ChainSettings, labels: Mapping[str, Label]) -> ChainSettings:
        return network.model_copy(update={"layers": max(1, len(labels) - 1)})


FAMILIES.add("chain", Chain())
