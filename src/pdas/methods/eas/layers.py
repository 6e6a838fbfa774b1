"""A space of blocks of layers, as edits see it; nothing here needs torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

NONE = "none"  # the first category of a layer: it is not there
_VARIABLE = re.compile(r"block(\d+)/layer(\d+)")

Widths = list[list[int]]
"""Of each block, the categories of its layers, from 1 on, the narrowest first."""


class LayerSpace:
    """A space with the variables `block1/layer1`, ..., each "none" or an ascending width.

    Args:
        space: the search space.

    Attributes:
        space: see above.
        blocks: their number.
        layers: the most in a block.
        widths: the number of widths of a layer.

    Raises:
        SettingError: it has other variables.

    Example:
        LayerSpace(space).start(3)  # [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    """

    def __init__(self, space: SearchSpace) -> None:
        numbers = [(int(m[1]), int(m[2])) for m in map(_VARIABLE.fullmatch, space) if m]
        self.space = space
        self.blocks = max((block for block, _ in numbers), default=0)
        self.layers = max((layer for _, layer in numbers), default=0)
        grid = [(b + 1, i + 1) for b in range(self.blocks) for i in range(self.layers)]
        labels = {space[name] for name in space}
        if len(numbers) < len(space) or numbers != grid or len(labels) != 1:
            _refuse(space)
        (categories,) = labels
        widths = [label for label in categories[1:] if type(label) is int]
        if categories[0] != NONE or len(widths) != len(categories) - 1 or not widths:
            _refuse(space)
        if widths != sorted(widths):
            _refuse(space)
        self.widths = len(widths)

    def start(self, layers: int) -> Widths:
        """So many of the narrowest layers in each block."""
        return [[1] * min(layers, self.layers) for _ in range(self.blocks)]

    def architecture(self, widths: Sequence[Sequence[int]]) -> Architecture:
        """The architecture of these layers."""
        rows = [[*row, *[0] * (self.layers - len(row))] for row in widths]
        return self.space.architecture([index for row in rows for index in row])


def _refuse(space: SearchSpace) -> NoReturn:
    refuse(
        SettingError,
        "search.method",
        found=f"eas for a space of {next(iter(space))} and others",
        expected="blocks of layers that become wider and deeper",
        remedy="use the recipe with eas in its name, or pdas, rsps, enas, evolution, nas or random",
    )
