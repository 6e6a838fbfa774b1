"""Latency as a cost: measured here and now, or read from the file of an earlier measurement."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypedDict

from pdas.cost import Cost
from pdas.nn.counting.latencies import Latencies, shapes
from pdas.nn.counting.latency_measurement import MINUTES, RUNS, Derive, LatencyMeasurement
from pdas.nn.counting.timing import Device
from pdas.nn.protocols import SupernetProtocol
from pdas.support.errors import SettingError
from pdas.support.opening import is_there
from pdas.support.refusals import refuse

_log = logging.getLogger(__name__)


class Measuring(TypedDict, total=False):
    """How a latency is measured; see `latency`.

    Example:
        settings: Measuring = {"runs": 50, "file": "latency.json"}
    """

    device: Device | None
    runs: int
    minutes: float
    file: str | PathLike[str] | None


SETTINGS = tuple(Measuring.__annotations__)


def latency(
    net: SupernetProtocol,
    *inputs: Any,
    named: Mapping[str, Any] | None = None,
    derive: Derive | None = None,
    device: Device | None = None,
    runs: int = RUNS,
    minutes: float = MINUTES,
    file: str | PathLike[str] | None = None,
) -> Cost:
    """Milliseconds of a forward pass of the derived network, measured here and now.

    See `LatencyMeasurement` for how.

    Args:
        net: any supernet with `space` and `derive`. What an architecture does not use, by
            `net.active`, adds nothing.
        inputs: what derived networks are called with.
        named: inputs that are given by name.
        derive: gives the network of an architecture; default `net.derive`, with copied weights
            where it can.
        device: where it is measured; default where the network and the inputs are.
        runs: how many calls of each network count.
        minutes: the longest time. Where `runs` take longer there are fewer, down to 3.
        file: of JSON. If it is there, it is read, and nothing is measured; else it is written.

    Returns:
        the cost of an architecture, in milliseconds. Its attribute `error` says how far it is off.

    Raises:
        SettingError: there are no inputs; a setting is out of range; 3 calls of each network take
            longer than `minutes`, and the message says how long; or the file is damaged, or of
            another device or other inputs than are given.
        SpaceError: the file is of another network.
        NetworkError: a network cannot be derived.

    Example:
        limit = pdas.Limit(latency(net, images, file="latency.json"), 2.5)
    """
    if file is not None and is_there(file):
        latencies = Latencies.read(file)
        _check_same(latencies, inputs, named or {}, device)
        _log.info("latency: read from %s: %s", file, latencies)
        return latencies.cost(net)
    measurement = LatencyMeasurement(
        net, *inputs, named=named, derive=derive, device=device, runs=runs
    )
    latencies = measurement.run(minutes)
    if file is not None:
        latencies.write(file)
    return latencies.cost(net)


def _check_same(
    latencies: Latencies, inputs: Sequence[Any], named: Mapping[str, Any], device: Device | None
) -> None:
    """Raise `SettingError` if a file is of another device, or of other inputs, where some are."""
    pairs = [(latencies.inputs, shapes(inputs, named), bool(inputs or named))]
    if device is not None:
        kinds = [str(each).partition(":")[0] for each in (latencies.device, device)]
        pairs.append((kinds[0], kinds[1], True))
    for found, expected, is_given in pairs:
        if is_given and found != expected:
            refuse(
                SettingError,
                "file",
                found=f"latencies for {found}",
                expected=f"for {expected}",
                remedy="measure into another file",
            )
