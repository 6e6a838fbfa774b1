"""Wider and deeper networks that compute the same function as the network that they come from.

Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016; for dense blocks
Cai et al., "Efficient Architecture Search by Network Transformation", AAAI 2018.

Each channel of a child is a copy of a channel of its parent, its origin. What reads it divides the
weight by the number of copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pdas.spaces.densenets.network import DenseLayer, DenseNet, Unit
    from pdas.spaces.densenets.space import Growths

WIDER_NOISE = 0.01  # on copies, in standard deviations of the weight
DEEPER_NOISE = 0.001  # on the kernels of a new layer

Matches: TypeAlias = Sequence[int | None]
"""From which layer of the parent's block each layer of a child's comes; None: it is new."""


def earliest_matches(parent: Sequence[int], child: Sequence[int]) -> list[int | None] | None:
    """From which layer of a parent each layer of a child may come, by growths that only increase.

    Args:
        parent, child: growths of the layers of a block.

    Returns:
        Those where every layer of the parent is as early as it can be; None if there are none.
    """
    matches: list[int | None] = []
    found = 0
    for growth in child:
        is_match = found < len(parent) and parent[found] <= growth
        matches.append(found if is_match else None)
        found += is_match
    return matches if found == len(parent) else None


def net2wider(
    network: DenseNet,
    block: int,
    layer: int,
    growth: int,
    generator: torch.Generator,
    noise: bool = True,
) -> DenseNet:
    """A network with a wider layer.

    Args:
        network: stays as it is.
        block, layer: numbers, from 0.
        growth: of this layer, at least the present one.
        generator: of the draws.
        noise: on the copies.

    Example:
        wider = net2wider(network, block=0, layer=1, growth=6, generator=torch.Generator())
    """
    rows = [list(each) for each in network.growths]
    assert growth >= rows[block][layer], "a layer becomes no narrower"
    rows[block][layer] = growth
    return _child(network, rows, [range(len(each)) for each in rows], generator, noise)


def net2deeper(
    network: DenseNet,
    block: int,
    place: int,
    growth: int,
    images: Tensor,
    generator: torch.Generator,
    noise: bool = True,
) -> DenseNet:
    """A network with a further layer, which passes some of its input on.

    Args:
        network: stays as it is.
        block: its number, from 0.
        place: how many layers of the block come before the new one.
        growth: of the new layer.
        images: `(N, C, H, W)`, from which its batch norms are set, in the network's mode.
        generator: of the draws.
        noise: on the new kernels.

    Example:
        deeper = net2deeper(network, 0, 2, growth=4, images=images, generator=torch.Generator())
    """
    rows = [list(each) for each in network.growths]
    assert 0 <= place <= len(rows[block]), "a place within the block"
    matches: list[list[int | None]] = [list(range(len(each))) for each in rows]
    matches[block].insert(place, None)
    rows[block].insert(place, growth)
    child = _child(network, rows, matches, generator, noise)
    mode = child.training
    with torch.no_grad():
        for module in child.modules():
            module.training = mode or getattr(module, "passes", False)
        child(images)
    return child.train(mode)


def _child(
    network: DenseNet,
    growths: Sequence[Sequence[int]],
    matches: Sequence[Matches],
    generator: torch.Generator,
    noise: bool,
) -> DenseNet:
    with torch.random.fork_rng(devices=()):
        child = type(network)(tuple(map(tuple, growths)), network.size)
    state = grown(child, network.growths, matches, network.state_dict(), generator, noise)
    child.load_state_dict(state)
    return child.train(network.training)


@torch.no_grad()
def grown(
    child: DenseNet,
    parent: Growths,
    matches: Sequence[Matches],
    weights: Mapping[str, Tensor],
    generator: torch.Generator,
    noise: bool,
) -> dict[str, Tensor]:
    """The weights of a child that computes what its parent does.

    The batch norms of new layers are set by the next batch in training mode.

    Args:
        child: with any weights.
        parent: growths of the parent.
        matches: of each block.
        weights: of the parent, by name.
        generator: of the draws.
        noise: on copies and new kernels.
    """
    growing = _Growing(weights, generator, noise)
    growing.unit("stem", "stem", child.stem, torch.arange(child.size.image_channels))
    origins = torch.arange(child.size.stem)
    blocks: Any = child.blocks
    transitions: Any = child.transitions
    for number, block in enumerate(blocks):
        if number:
            name = f"transitions.{number - 1}"
            origins = growing.unit(name, name, transitions[number - 1], origins)
        first = int(origins.max()) + 1  # channels of the parent's input
        for i, match in enumerate(matches[number]):
            layer: DenseLayer = block[i]
            name = f"blocks.{number}.{i}"
            if match is None:
                added = origins[growing.identity(name, layer, len(origins))]
            else:
                before = first + sum(parent[number][:match])
                source = f"blocks.{number}.{match}"
                reduced = growing.unit(f"{name}.reduce", f"{source}.reduce", layer.reduce, origins)
                added = before + growing.unit(f"{name}.grow", f"{source}.grow", layer.grow, reduced)
            origins = torch.cat([origins, added])
    growing.state["classifier.weight"] = _read(weights["classifier.weight"], origins)
    growing.state["classifier.bias"] = weights["classifier.bias"]
    return growing.state


class _Growing:
    """The state of a child, unit after unit."""

    def __init__(
        self, weights: Mapping[str, Tensor], generator: torch.Generator, noise: bool
    ) -> None:
        self.state: dict[str, Tensor] = {}
        self._weights, self._generator, self._noise = weights, generator, noise

    def unit(self, name: str, source: str, unit: Unit, origins: Tensor) -> Tensor:
        """Take a unit of the parent; the result says from which of its channels each comes."""
        kernel = self._weights[f"{source}.conv.weight"]
        n, wider = len(kernel), len(unit.conv.weight)
        further = torch.randint(n, (wider - n,), generator=self._generator)
        copied = torch.cat([torch.arange(n), further])
        own = _read(kernel, origins)[copied]
        if self._noise and wider > n:
            std = WIDER_NOISE * float(kernel.std())
            own[n:] += std * torch.randn(own[n:].shape, generator=self._generator)
        self.state[f"{name}.conv.weight"] = own
        for key in unit.norm.state_dict():
            value = self._weights[f"{source}.norm.{key}"]
            self.state[f"{name}.norm.{key}"] = value[copied] if value.ndim else value
        return copied

    def identity(self, name: str, layer: DenseLayer, inputs: int) -> Tensor:
        """Make a new layer that passes channels on; the result says which."""
        middle, growth = len(layer.reduce.conv.weight), len(layer.grow.conv.weight)
        passed = torch.randint(inputs, (growth,), generator=self._generator)
        rows, copies = torch.arange(middle), torch.arange(middle) % growth
        reduce, grow = (torch.zeros_like(u.conv.weight) for u in (layer.reduce, layer.grow))
        reduce[rows, passed[copies], 0, 0] = 1
        grow[copies, rows, 1, 1] = growth / middle  # a mean of equal channels
        for part, unit, kernel in (("reduce", layer.reduce, reduce), ("grow", layer.grow, grow)):
            if self._noise:
                kernel += DEEPER_NOISE * torch.randn(kernel.shape, generator=self._generator)
            unit.norm.passes = True
            self.state[f"{name}.{part}.conv.weight"] = kernel
            for key, value in unit.norm.state_dict().items():
                self.state[f"{name}.{part}.norm.{key}"] = value
        return passed


def _read(weight: Tensor, origins: Tensor) -> Tensor:
    """A weight `(outputs, inputs, ...)` that reads copies of its inputs."""
    copies = origins.bincount()[origins].to(weight.dtype)
    return weight[:, origins] / copies.reshape(-1, *[1] * (weight.ndim - 2))
