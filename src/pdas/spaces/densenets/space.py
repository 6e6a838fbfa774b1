"""How a chain of dense blocks is written as variables; the only module that knows it.

A block has a variable for each layer that it may have: the growth of this layer, or "none".
"""

from __future__ import annotations

from collections.abc import Mapping

from pdas.space import Label, SearchSpace
from pdas.spaces.densenets.settings import DenseNetSettings

NONE = "none"  # no such layer

Growths = tuple[tuple[int, ...], ...]
"""Of each block, the growths of its layers."""


def densenet_space(settings: DenseNetSettings) -> SearchSpace:
    """The variables `block1/layer1`, `block1/layer2`, ...

    Args:
        settings: of the space.
    """
    labels: tuple[Label, ...] = (NONE, *settings.growths)
    return SearchSpace(
        {
            variable(block, layer): labels
            for block in range(1, settings.blocks + 1)
            for layer in range(1, settings.layers + 1)
        }
    )


def variable(block: int, layer: int) -> str:
    """The name of the variable of a layer; both numbers are from 1."""
    return f"block{block}/layer{layer}"


def growths_of(labels: Mapping[str, object]) -> Growths:
    """The layers in use.

    Args:
        labels: of an architecture of this family.
    """
    blocks: dict[str, list[int]] = {}
    for name, label in labels.items():
        growths = blocks.setdefault(name.partition("/")[0], [])
        if isinstance(label, int):
            growths.append(label)
    return tuple(map(tuple, blocks.values()))


def chain_text(growths: Growths) -> str:
    """The growths of the layers: "4 6 4 | 4 4 | 8", with a bar for each transition."""
    return " | ".join(" ".join(map(str, block)) or NONE for block in growths)
