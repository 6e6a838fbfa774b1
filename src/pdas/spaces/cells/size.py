"""Weights and multiply-adds of a derived network, by arithmetic, and the width within limits.

The auxiliary classifier is not counted: it is left out after training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias

import torch
from torch.utils.flop_counter import FlopCounterMode

from pdas.space import Assignment, Label
from pdas.spaces.cells.layout import Position, layout, needed_cells
from pdas.spaces.cells.operations import OPERATIONS, affine_batch_norm
from pdas.spaces.cells.settings import SMALLEST_WIDTH, CellSettings
from pdas.spaces.cells.space import CELL_TYPES, CellPlan, Edge, decode, encode
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

Count: TypeAlias = "Callable[[Assignment, CellSettings], int]"
"""Of an architecture at a size."""


def count_weights(architecture: Assignment, settings: CellSettings) -> int:
    """Weights of a `CellNetwork` without the auxiliary classifier.

    Args:
        architecture: of the cell space, or its labels.
        settings: the size of the network.
    """
    plans = {cell: decode(architecture, cell) for cell in CELL_TYPES}
    positions = layout(settings)
    cells = sum(
        _cell_weights(position, plans[position.kind])
        for position, needed in zip(positions, needed_cells(positions, plans), strict=True)
        if needed
    )
    stem = sum(9 * source * out + _norm(out) for source, out, _ in settings.stem_convolutions)
    return stem + cells + (settings.out_channels + 1) * settings.classes


def count_multiply_adds(
    architecture: Assignment, settings: CellSettings, size: tuple[int, int]
) -> int:
    """Multiply-adds of a `CellNetwork` for one image.

    Those of convolutions and the classifier, at the zeros of a padding too, as is usual.

    Args:
        architecture: of the cell space, or its labels.
        settings: the size of the network.
        size: height and width of the image, in pixels.
    """
    plans = {cell: decode(architecture, cell) for cell in CELL_TYPES}
    positions = layout(settings)
    total = 0
    for source, out, stride in settings.stem_convolutions:
        size = -(-size[0] // stride), -(-size[1] // stride)
        total += 9 * source * out * math.prod(size)
    for position, needed in zip(positions, needed_cells(positions, plans), strict=True):
        if needed:
            total += _cell_multiply_adds(position, plans[position.kind], size)
        size = _after(position, size)
    return total + settings.out_channels * settings.classes


@dataclass(frozen=True)
class SizeLimit:
    """The most that a network may have of something.

    Attributes:
        setting: that sets it, for messages.
        unit: what is counted.
        maximum: the largest number.
        count: of an architecture at a size.

    Example:
        SizeLimit("retrain.weight_limit", "weights", 3_000_000, count_weights)
    """

    setting: str
    unit: str
    maximum: float
    count: Count


def limits_of(weights: int | None, limit: Any, image_size: tuple[int, int]) -> list[SizeLimit]:
    """The limits of a retraining.

    Args:
        weights: the setting `retrain.weight_limit`.
        limit: the setting `retrain.limit`, with `cost` and `maximum`; None without one.
        image_size: height and width of the images, in pixels.

    Raises:
        SettingError: there is none.
    """
    limits = []
    if weights is not None:
        limits.append(SizeLimit("retrain.weight_limit", "weights", weights, count_weights))
    if limit is not None:
        of_image = partial(count_multiply_adds, size=image_size)
        count: Count = count_weights if limit.cost == "parameters" else of_image
        unit = f"{limit.cost.replace('_', '-')} at {image_size[0]}x{image_size[1]}"
        limits.append(SizeLimit("retrain.limit", unit, limit.maximum, count))
    if not limits:
        refuse(
            SettingError,
            "retrain.weight_limit",
            found="none, and no retrain.limit",
            expected="one of both, from which the width of the retrained network follows",
            remedy="set it, as retrain.weight_limit=3000000",
        )
    return limits


def widest(
    architecture: Assignment | None, settings: CellSettings, limits: Sequence[SizeLimit]
) -> CellSettings:
    """The settings with the largest number of channels that keeps all limits.

    Args:
        architecture: the architecture, or its labels; None is, for each limit, the one of the space
            that is hardest to fit.
        settings: the size, but for its channels.
        limits: one or several.

    Raises:
        SettingError: even the smallest width is above a limit.
    """
    widths = []
    for limit in limits:
        if architecture is None:
            dearest = heaviest(settings, limit.count)
            name = "the heaviest architecture of this space"
            widths.append(_width(dearest, settings, limit, name))
        else:
            widths.append(_width(architecture, settings, limit, "this architecture"))
    return settings.model_copy(update={"channels": min(widths)})


def _width(architecture: Assignment, settings: CellSettings, limit: SizeLimit, name: str) -> int:
    """The largest number of channels that keeps a limit."""

    def count(channels: int) -> int:
        return limit.count(architecture, settings.model_copy(update={"channels": channels}))

    low, high = SMALLEST_WIDTH, 2 * SMALLEST_WIDTH
    if count(low) > limit.maximum:
        refuse(
            SettingError,
            limit.setting,
            found=f"{limit.maximum:.15g}",
            expected=f"at least {count(low)}, the {limit.unit} of {name} at {low} channels",
            remedy="raise it, or lower retrain.cells_per_stage",
        )
    # Bisection: the number grows with the width.
    while count(high) <= limit.maximum:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= limit.maximum else (low, middle)
    return low


def heaviest(settings: CellSettings, count: Count = count_weights) -> dict[str, Label]:
    """Labels of an architecture that has as much of something as any at these settings.

    All its nodes read both inputs of the cell, so that none reads another: every edge and every
    block of the cell's output has weights of its own.

    Args:
        settings: the size of the network.
        count: of an architecture at a size: its weights, or its multiply-adds.
    """
    uniform = [
        encode(CellPlan(((Edge(0, name), Edge(1, name)),) * settings.nodes))
        for name in settings.operations
    ]
    return max(uniform, key=lambda architecture: count(architecture, settings))


def _cell_weights(position: Position, plan: CellPlan) -> int:
    """Of its input blocks, its edges and its output; two equal edges of a node are one module."""
    channels = position.channels
    inputs = sum(
        position.in_channels[source] * channels + _norm(channels)
        for source in plan.sources & {0, 1}
    )
    edges = sum(
        _operation_weights(edge.operation, channels, position.stride(edge.source))
        for pair in plan.nodes
        for edge in set(pair)
    )
    output = len(plan.loose_ends) * channels * channels + _norm(channels)
    return inputs + edges + output


def _cell_multiply_adds(position: Position, plan: CellPlan, size: tuple[int, int]) -> int:
    """Of a cell both of whose inputs are brought to this size, that of the previous output."""
    channels, out = position.channels, _after(position, size)
    inputs = sum(position.in_channels[source] for source in plan.sources & {0, 1})
    edges = sum(
        _operation_multiply_adds(
            edge.operation, channels, position.stride(edge.source), size if edge.source < 2 else out
        )
        for pair in plan.nodes
        for edge in set(pair)
    )
    output = len(plan.loose_ends) * channels * channels * math.prod(out)
    return inputs * channels * math.prod(size) + edges + output


def _after(position: Position, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the cell's output; half, rounded up, after a reduction cell."""
    height, width = size
    return (-(-height // 2), -(-width // 2)) if position.kind == "reduction" else size


@cache
def _operation_weights(name: str, channels: int, stride: int) -> int:
    """Counted on the operation itself, without memory: right for whatever operation there is."""
    with torch.device("meta"):
        operation = OPERATIONS[name](channels, stride, affine_batch_norm)
    return sum(weight.numel() for weight in operation.parameters())


@cache
def _operation_multiply_adds(name: str, channels: int, stride: int, size: tuple[int, int]) -> int:
    """Counted on one image without memory, as `_operation_weights`; 2 operations are 1."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        operation = OPERATIONS[name](channels, stride, affine_batch_norm).eval()
        operation(torch.empty(1, channels, *size))
    return int(counter.get_total_flops()) // 2


def _norm(channels: int) -> int:
    """Weights of an affine batch norm: a scale and a shift for each channel."""
    return 2 * channels
