"""The latency of derived networks, approximated by the sum of what each category adds.

Categories are measured one at a time, each in its place in a whole network. So what two choices do
to each other's time, as two widths on both sides of a layer, is not seen. Some architectures are
timed whole afterwards, which tells how far the sums are off. A time depends on the machine and on
what else it does: the same measurement twice gives two costs.
"""

from __future__ import annotations

import inspect
import logging
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from statistics import fmean, median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.cost import Cost
from pdas.nn.counting.changes import Changes, parts, rounds_of
from pdas.nn.counting.latencies import Latencies, shapes
from pdas.nn.counting.strange_weights import has_strange, replace_strange
from pdas.nn.counting.timing import A_TURN, Device, Stopwatch, turns_of
from pdas.nn.protocols import SupernetProtocol
from pdas.space import Architecture
from pdas.support.arrays import FloatArray
from pdas.support.errors import PdasWarning, SettingError
from pdas.support.refusals import check_integer, is_finite, refuse

_log = logging.getLogger(__name__)

Derive = Callable[[Architecture], nn.Module]

RUNS, FEWEST = 15, 3  # calls of each network, and the fewest where time is short
MINUTES = 10.0
TOGETHER = 8  # networks that take turns, and that there is memory for
CHECKED = 5  # architectures that are timed whole
WIDE = 0.2  # the error from which there is a warning


@dataclass(frozen=True)
class _First:
    """Of the first network: seconds to derive it, seconds of a call, and where it ran."""

    derive: float
    call: float
    device: str


class LatencyMeasurement:
    """Measures what each category of a supernet adds to the time of a forward pass.

    For each category a network is derived, and one that differs from it in this alone. They run in
    turns, in evaluation mode and with as many threads as torch has. The difference of their median
    times is what the category adds. The architecture around it is drawn at random, another one for
    every few variables and every few calls, and the mean over them counts. The constant of the sum
    is such that it is right for these on average.

    Args:
        net, inputs, named, derive, device, runs: as of `latency`.

    Raises:
        SettingError: there are no inputs, or a setting is out of range.

    Example:
        measurement = LatencyMeasurement(net, images)
        if measurement.seconds < 60:
            measurement.run().write("latency.json")
    """

    def __init__(
        self,
        net: SupernetProtocol,
        *inputs: Any,
        named: Mapping[str, Any] | None = None,
        derive: Derive | None = None,
        device: Device | None = None,
        runs: int = RUNS,
    ) -> None:
        check_integer("runs", runs, 1)
        if not inputs and not named:
            refuse(
                SettingError,
                "cost",
                found="no inputs for 'latency'",
                expected="a batch, as the derived network will be called with",
                remedy="give net.cost('latency', x)",
            )
        self._net, self._runs = net, runs
        self._derive = derive or _derive_of(net)
        self._is_strange = isinstance(net, nn.Module) and has_strange(net)
        self._watch = Stopwatch(inputs, named or {}, device)
        (self._changes,) = rounds_of(net, TOGETHER - 1, 1)

    @property
    def networks(self) -> int:
        """How many networks are derived and run."""
        return self._networks(self._runs)

    @property
    def seconds(self) -> float:
        """The time that all of it takes, by that of a first network, which is run for that."""
        return self._seconds(self._runs)

    def run(self, minutes: float = MINUTES) -> Latencies:
        """Measure, and time some architectures whole.

        A `PdasWarning` says so if there are fewer runs than were asked for, or if the sums are off
        by more than 20 %.

        Args:
            minutes: the longest time; infinite for none.

        Raises:
            SettingError: the fewest runs take longer.
            NetworkError: a network cannot be derived.
        """
        runs = self._affordable(minutes)
        _log.info("latency: %d networks, about %.0f s", self._networks(runs), self._seconds(runs))
        sums = self._sums(runs)
        found = replace(sums, checks=self._checks(sums.cost(self._net), runs))
        _log.info("latency: %s", found)
        if found.error > WIDE:
            warnings.warn(
                f"latency: found sums that are off by {found.error:.0%} on average, in "
                f"{len(found.checks)} networks that were timed whole, expected at most {WIDE:.0%}; "
                "measure on an idle machine with more runs, or leave a limit that much room",
                PdasWarning,
                stacklevel=4,
            )
        return found

    def _sums(self, runs: int) -> Latencies:
        """What each category adds, and the constant that goes with it."""
        whole: list[tuple[Architecture, float]] = []
        rounds = []
        for number, changes in enumerate(rounds_of(self._net, TOGETHER - 1, turns_of(runs))):
            rows, references = self._round(changes, min(A_TURN, runs - A_TURN * number))
            rounds.append(rows)
            whole += references
        added = {
            name: np.mean(rows, axis=0).tolist()
            for name, rows in zip(self._net.space.names, zip(*rounds, strict=True), strict=True)
        }
        inputs = shapes(self._watch.inputs, self._watch.named)
        found = Latencies(0.0, added, [], self._first.device, torch.get_num_threads(), inputs)
        cost = found.cost(self._net)
        return replace(found, constant=fmean(time - cost(a) for a, time in whole))

    def _round(
        self, changes: Changes, runs: int
    ) -> tuple[list[FloatArray], list[tuple[Architecture, float]]]:
        """What each category adds to some architectures, and the milliseconds of these."""
        rows = [np.zeros(size) for size in self._net.space.sizes]
        whole: list[tuple[Architecture, float]] = []
        for reference, of_reference in changes.items():
            standard = self._derived(reference)
            for some in parts(of_reference, TOGETHER - 1):
                others = [self._derived(reference.replaced(*change)) for change in some]
                first, *times = map(median, self._watch.times([standard, *others], runs))
                for (position, category), time in zip(some, times, strict=True):
                    rows[position][category] = time - first
                whole.append((reference, first))
        # What is inside of a choice has its first category where the choice is measured.
        return [row - row[0] for row in rows], whole

    def _checks(self, cost: Cost, runs: int) -> list[tuple[float, float]]:
        """The sum and the measured milliseconds of architectures drawn at random."""
        rng = np.random.default_rng(1)  # others than those of the changes
        drawn = list(dict.fromkeys(self._net.space.uniform(rng) for _ in range(CHECKED)))
        times = self._watch.times(list(map(self._derived, drawn)), runs)
        return [(cost(a), median(each)) for a, each in zip(drawn, times, strict=True)]

    def _derived(self, architecture: Architecture) -> nn.Module:
        """The network of an architecture, on the device."""
        # Fresh weights are drawn and dropped: the generator of the user stays as it is.
        uses_cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        with torch.random.fork_rng(range(torch.cuda.device_count()) if uses_cuda else ()):
            network = self._derive(architecture)
        if self._is_strange:
            replace_strange(network)
        return network if self._watch.device is None else network.to(self._watch.device)

    @cached_property
    def _first(self) -> _First:
        start = perf_counter()
        network = self._derived(next(iter(self._changes)))
        derive = perf_counter() - start
        call = median(self._watch.turn(network, FEWEST)) / 1000
        devices = (str(weight.device) for weight in network.parameters())
        return _First(derive, call, next(devices, str(self._watch.device or "cpu")))

    def _networks(self, runs: int) -> int:
        together = (some for each in self._changes.values() for some in parts(each, TOGETHER - 1))
        return sum(len(some) + 1 for some in together) * turns_of(runs) + CHECKED

    def _seconds(self, runs: int) -> float:
        one = self._first.derive + (1 + min(runs, A_TURN)) * self._first.call
        return self._networks(runs) * one

    def _affordable(self, minutes: float) -> int:
        """The most runs that take no longer."""
        if minutes != math.inf and not (is_finite(minutes) and minutes > 0):
            refuse(SettingError, "minutes", found=repr(minutes), expected="a number above 0")
        for runs in range(self._runs, min(self._runs, FEWEST) - 1, -1):
            if self._seconds(runs) <= 60 * minutes:
                break
        else:
            refuse(
                SettingError,
                "minutes",
                found=f"{minutes:g}",
                expected=f"at least {_minutes(self._seconds(runs))}, for "
                f"{self._networks(runs):,} networks",
                remedy="raise it, give a smaller input, or give a table of what you measured",
            )
        if runs < self._runs:
            warnings.warn(
                f"runs: found {self._runs}, which take {_minutes(self.seconds)} minutes, expected "
                f"at most {minutes:g}, so there are {runs}; raise minutes for more",
                PdasWarning,
                stacklevel=5,
            )
        return runs


def _minutes(seconds: float) -> str:
    """Minutes as a person writes them, rounded up in the last digit."""
    minutes = seconds / 60
    return f"{math.ceil(minutes):,}" if minutes >= 10 else f"{math.ceil(minutes * 100) / 100:g}"


def _derive_of(net: SupernetProtocol) -> Derive:
    """The `derive` of a supernet; it copies weights, since drawing them takes longer."""
    derive: Any = getattr(net, "derive", None)
    if derive is None:
        refuse(
            SettingError,
            "cost",
            found=f"a {type(net).__name__} without derive for 'latency'",
            expected="a method derive(architecture)",
            remedy="add it, or give a table of what you measured",
        )
    can_copy = "keep_weights" in inspect.signature(derive).parameters
    found: Derive = partial(derive, keep_weights=True) if can_copy else derive
    return found
