"""Measured latencies of a run: those of a limit, the same on all ranks and when the run is resumed;
and that of the network that was retrained, with its multiply-adds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from pdas.distributed.exchange.messages import agreed
from pdas.distributed.fabric import Fabric
from pdas.nn.counting.counter import counting
from pdas.nn.counting.latencies import Latencies
from pdas.nn.counting.timing import Stopwatch
from pdas.nn.modes import evaluating
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.errors import PdasWarning, reason
from pdas.tasks.recipe import Recipe

FILE = "latency.json"


def latencies_of(out: Path, fabric: Fabric, measure: Callable[[], Latencies]) -> Latencies:
    """The latencies of a run.

    Args:
        out: the run directory; if it holds latencies, these are read.
        fabric: the devices; the measurement of rank 0 counts for all.
        measure: measures anew.

    Raises:
        RunError: the file is damaged.
    """
    if os.path.exists(out / FILE):  # a `Path` raises for a name that cannot be
        return Run(out).read(FILE, lambda file: Latencies.from_plain(parse_json(file)))
    return agreed(fabric, measure())


def keep_latencies(run: Run, latencies: Latencies) -> None:
    """Write the latencies with which a search began.

    Raises:
        RunError: the file cannot be written.
    """
    run.write_json(FILE, latencies.to_plain())


def found_latency(
    network: nn.Module, example: Tensor, recipe: Recipe, fabric: Fabric
) -> dict[str, float]:
    """The latency of a retrained network, in evaluation mode.

    Args:
        network: on the device.
        example: a batch of one input.
        recipe: of the retraining.
        fabric: the devices.

    Returns:
        Milliseconds of a call, for `result.json`: "latency" of one input and "batch_latency" of as
        many as a device is given at once in the retraining; the median, and with "_p95" at the end
        the 95th percentile.
    """
    at_once = recipe.retrain.batch_size // (recipe.device.ranks * recipe.retrain.accumulate)
    found: dict[str, float] = {}
    for key, size in (("latency", 1), ("batch_latency", at_once)):
        x = fabric.to_device(typical(example, size))
        spread = Stopwatch((x,), {}).spread(network)
        found |= {key: spread.median, f"{key}_p95": spread.p95}
    return found


def found_multiply_adds(network: nn.Module, example: Tensor, fabric: Fabric) -> dict[str, int]:
    """The multiply-adds of a retrained network for one input, in evaluation mode.

    Where something may multiply and nobody knows how often, there is a `PdasWarning` and no number:
    what was counted is less than the truth.

    Args:
        network: on the device.
        example: a batch of one input.
        fabric: the devices.

    Returns:
        For `result.json`: "multiply_adds", or nothing.
    """
    x = fabric.to_device(typical(example))
    try:
        with evaluating(network), counting() as counter:
            network(x)
    except Exception as error:  # not every module runs where its kernels are seen one by one
        _warn_of_no_count(f"that the network cannot be counted ({reason(error)})")
        return {}
    if counter.uncounted:
        kernels = ", ".join(sorted(counter.uncounted))
        _warn_of_no_count(f"{kernels}, which may multiply matrices and has no formula")
        return {}
    return {"multiply_adds": counter.total}


def _warn_of_no_count(found: str) -> None:
    warnings.warn(
        f"multiply_adds: found {found}, expected a formula for all that multiplies; the result is "
        "without them; torch.utils.flop_counter.register_flop_formula gives one",
        PdasWarning,
        stacklevel=3,
    )


def typical(example: Tensor, size: int = 1) -> Tensor:
    """Inputs of the shape of an example, with numbers between 0 and 1.

    Zeros would leave much of a network without work that takes energy, and so time, on some
    devices.

    Args:
        example: a batch of one. Whole numbers are kept, since they may be indices.
        size: of the batch.
    """
    x = example.repeat(size, *[1] * (example.dim() - 1))
    if not x.is_floating_point():
        return x
    return torch.rand(
        x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0), device="cpu"
    )
