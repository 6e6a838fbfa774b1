"""Settings of a layer that follow a width: the groups, the sizes and the padding."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.widths import ChosenWidth, Segment, Width, widest, widest_value


class Following(ChosenWidth, nn.Module):
    """A setting that follows a width.

    Args:
        of: that width.

    Example:
        class GroupCount(Following): ...
    """

    def __init__(self, of: ChosenWidth) -> None:
        super().__init__()
        self.of = of

    @property
    def is_selected(self) -> bool:
        return self.of.is_selected

    def segments(self) -> tuple[Segment, ...]:
        """Those of the width that it follows."""
        return self.of.segments()

    @property
    def value(self) -> Any:
        return self.at(int(self.of.value))

    @property
    def at_widest(self) -> Any:
        return self.at(self.of.at_widest)

    def at(self, number: int) -> Any:
        """What it is.

        Args:
            number: that the width is.
        """
        raise NotImplementedError


class GroupCount(Following):
    """How many groups the channels have, where all groups are of one size.

    Args:
        of: the channels.
        size: of a group.

    Example:
        GroupCount(width, 8).at(64)  # 8
    """

    def __init__(self, of: ChosenWidth, size: int) -> None:
        super().__init__(of)
        self.size = size

    def at(self, number: int) -> int:
        return number // self.size


def group_size(width: Width, groups: int | ChosenWidth) -> int:
    """How many channels of a dimension stay together, where the layer takes them in groups.

    Args:
        width: of the dimension.
        groups: of the layer, those of the widest if they are a number; 1 asks nothing.
    """
    count = int(widest_value(groups))
    return 1 if count == 1 else widest(width) // count


class PerDimension(Following):
    """One number for each dimension, as PyTorch has it for the size of a kernel.

    Args:
        of: that number.
        dims: how many dimensions there are.

    Example:
        PerDimension(size, 2).at(3)  # (3, 3)
    """

    def __init__(self, of: ChosenWidth, dims: int) -> None:
        super().__init__(of)
        self.dims = dims

    def at(self, number: int) -> tuple[int, ...]:
        return (number,) * self.dims


class Padding(Following):
    """The padding with which a smaller kernel gives a map of the same size as the largest.

    Args:
        of: the size of the kernel.
        largest: the padding of the largest kernel.
        dilation: of the kernel.

    Example:
        Padding(size, (3, 3), (1, 1)).at(3)  # (1, 1) where the largest is 7
    """

    def __init__(
        self, of: ChosenWidth, largest: tuple[int, ...], dilation: tuple[int, ...]
    ) -> None:
        super().__init__(of)
        self.largest, self.dilation = largest, dilation

    def at(self, number: int) -> tuple[int, ...]:
        fewer = (self.of.at_widest - number) // 2
        return tuple(p - d * fewer for p, d in zip(self.largest, self.dilation, strict=True))
