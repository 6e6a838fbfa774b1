"""The latency of derived networks, approximated by what each category adds to that of one of them.

Categories are measured one at a time, so that what two choices do to each other's time, as two
widths on both sides of a layer, is not seen. A time depends on the machine and on what else it
does: the same measurement twice gives two costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.cost import Cost
from pdas.nn.costs import sum_in_use
from pdas.nn.counting.profile import cloned
from pdas.nn.modes import evaluating
from pdas.nn.protocols import ActiveSupernet, SupernetProtocol
from pdas.space import Architecture
from pdas.support.errors import SettingError
from pdas.support.refusals import check_integer, refuse

Derive = Callable[[Architecture], nn.Module]
REPEATS = 15
DRAWS = 1000  # of architectures, to find one that uses a variable


def latency(
    net: SupernetProtocol,
    *inputs: Any,
    named: Mapping[str, Any] | None = None,
    derive: Derive | None = None,
    repeats: int = REPEATS,
) -> Cost:
    """Seconds of a forward pass of the derived network, measured here and now.

    The base is the architecture of all first categories. For every other category a network is
    derived that differs from the base in this alone, and both are run in turns, in evaluation mode
    and with as many threads as torch has. The difference of their median times is what the category
    adds. A variable that the base does not use is measured from an architecture, drawn at random,
    that does.

    Args:
        net: any supernet with `space` and `derive`. What an architecture does not use, by
            `net.active`, adds nothing.
        inputs: what derived networks are called with, on the device where they are to be timed.
        named: inputs that are given by name.
        derive: gives the network of an architecture, on that device; default `net.derive`.
        repeats: how often each network is run.

    Returns:
        the cost of an architecture, in seconds. Its numbers may be negative: a category may be
        faster than that of the base.

    Raises:
        SettingError: there are no inputs, or `repeats` is none.
        NetworkError: a network cannot be derived.

    Example:
        limit = pdas.Limit(latency(net, images), 0.002)
    """
    return measured(net, *inputs, named=named, derive=derive, repeats=repeats).cost(net)


@dataclass(frozen=True)
class Latencies:
    """Seconds that were measured, as plain numbers that a file can keep.

    Attributes:
        constant: of the base.
        rows: what each category adds to it, `(D, max K)`.

    Example:
        measured(net, images).cost(net)(architecture)
    """

    constant: float
    rows: list[list[float]]

    def cost(self, net: SupernetProtocol) -> Cost:
        """The cost of architectures, in seconds.

        Args:
            net: the supernet that was measured.
        """
        return sum_in_use(net, np.array(self.rows), self.constant)


def measured(
    net: SupernetProtocol,
    *inputs: Any,
    named: Mapping[str, Any] | None = None,
    derive: Derive | None = None,
    repeats: int = REPEATS,
) -> Latencies:
    """What `latency` measures, before it is made a cost.

    Args:
        net, inputs, named, derive, repeats: as of `latency`.

    Raises:
        SettingError: there are no inputs, or `repeats` is none.
        NetworkError: a network cannot be derived.
    """
    check_integer("repeats", repeats, 1)
    clock = _Clock(derive or _derive_of(net), inputs, named or {}, repeats)
    space = net.space
    base = space.architecture(np.zeros(len(space), dtype=int))
    (constant,) = clock.medians([base])
    rows = np.zeros((len(space), space.sizes.max()))
    for position, size in enumerate(space.sizes):
        around = _using(net, base, position)
        if around is not None:
            seconds = clock.medians([around.replaced(position, k) for k in range(size)])
            rows[position, :size] = np.array(seconds) - seconds[0]
    return Latencies(constant, rows.tolist())


def _derive_of(net: SupernetProtocol) -> Derive:
    """The `derive` of a supernet."""
    derive: Derive | None = getattr(net, "derive", None)
    if derive is None:
        refuse(
            SettingError,
            "cost",
            found=f"a {type(net).__name__} without derive for 'latency'",
            expected="a method derive(architecture)",
            remedy="add it, or give a table of what you measured",
        )
    return derive


def _using(net: SupernetProtocol, base: Architecture, position: int) -> Architecture | None:
    """The base if it uses a variable, else another one that does and has its first category."""
    if not isinstance(net, ActiveSupernet) or net.active(base)[position]:
        return base
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        architecture = net.space.uniform(rng).replaced(position, 0)
        if net.active(architecture)[position]:
            return architecture
    return None  # hardly ever in use, so that it hardly counts


class _Clock:
    """Times derived networks on the same inputs."""

    def __init__(
        self, derive: Derive, inputs: Sequence[Any], named: Mapping[str, Any], repeats: int
    ) -> None:
        if not inputs and not named:
            refuse(
                SettingError,
                "cost",
                found="no inputs for 'latency'",
                expected="a batch, as the derived network will be called with",
                remedy="give net.cost('latency', x)",
            )
        self._derive = derive
        self._inputs, self._named = inputs, named
        self._repeats = repeats

    def medians(self, architectures: Sequence[Architecture]) -> list[float]:
        """The median seconds of each; they take turns, so that a slower machine slows all."""
        # Fresh weights are drawn and dropped: the generator of the user stays as it is.
        devices = range(torch.cuda.device_count()) if _uses_gpu() else ()
        with torch.random.fork_rng(devices):
            networks = [self._derive(architecture) for architecture in architectures]
        seconds: list[list[float]] = [[] for _ in networks]
        for network in networks:
            self._time(network)  # the first call also sets up
        for _ in range(self._repeats):
            for network, times in zip(networks, seconds, strict=True):
                times.append(self._time(network))
        return list(map(median, seconds))

    def _time(self, network: nn.Module) -> float:
        """Seconds of one call."""
        inputs, named = cloned(self._inputs), cloned(self._named)  # it may work in place
        with evaluating(network):
            _wait()
            start = perf_counter()
            network(*inputs, **named)
            _wait()
            return perf_counter() - start


def _wait() -> None:
    """Wait for a GPU, which computes while the program continues."""
    if _uses_gpu():
        torch.cuda.synchronize()


def _uses_gpu() -> bool:
    """Whether this program has put something on a GPU of CUDA."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
