"""The time that networks take for a call, here and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas.nn.modes import evaluating
from pdas.support.containers import cloned, with_own_containers
from pdas.support.errors import SettingError, reason
from pdas.support.refusals import refuse

A_TURN = 3  # calls that count, after one that does not
FEWEST, MOST, SECONDS = 20, 100, 0.5  # calls for a spread, and when more of them are enough

Device = torch.device | str


@dataclass(frozen=True)
class Spread:
    """Milliseconds of many calls of one network.

    Attributes:
        median: of the calls.
        p95: their 95th percentile.

    Example:
        Stopwatch((x,), {}).spread(network).median
    """

    median: float
    p95: float


class Stopwatch:
    """Times networks on the same inputs, in evaluation mode and without gradients.

    They take turns, so that a machine that becomes slower slows all. A turn begins with a call that
    does not count: the first call of all sets things up, and later the weights of a network are
    back in the caches, where they are when it runs alone. A device that computes while the program
    continues is waited for.

    Args:
        inputs, named: what networks are called with; each call has copies.
        device: where the inputs go; None leaves them where they are.

    Raises:
        SettingError: there is no such device.

    Example:
        fast, slow = Stopwatch((x,), {}).times([network, other], runs=15)
    """

    def __init__(
        self, inputs: Sequence[Any], named: Mapping[str, Any], device: Device | None = None
    ) -> None:
        self.device = None if device is None else _checked(device)
        self.inputs, self.named = self._moved(inputs), self._moved(named)
        self._devices: set[torch.device] = set()
        with_own_containers((self.inputs, self.named), self._noted, "input")

    def times(self, networks: Sequence[nn.Module], runs: int) -> list[list[float]]:
        """The milliseconds of each network's calls.

        Args:
            networks: on the device.
            runs: how many calls of each network count.
        """
        milliseconds: list[list[float]] = [[] for _ in networks]
        for done in range(0, runs, A_TURN):
            for network, times in zip(networks, milliseconds, strict=True):
                times += self.turn(network, min(A_TURN, runs - done))
        return milliseconds

    def turn(self, network: nn.Module, calls: int) -> list[float]:
        """The milliseconds of some calls in a row, after one that does not count.

        Args:
            network: on the device.
            calls: how many count.
        """
        devices = self._devices | {weight.device for weight in network.parameters()}
        with evaluating(network):
            return [self._time(network, devices) for _ in range(calls + 1)][1:]

    def spread(self, network: nn.Module) -> Spread:
        """Median and 95th percentile of many calls of one network by itself.

        Args:
            network: on the device.
        """
        times = self.turn(network, FEWEST)
        while len(times) < MOST and sum(times) < 1000 * SECONDS:
            times += self.turn(network, A_TURN)
        return Spread(median(times), float(np.percentile(times, 95)))

    def _time(self, network: nn.Module, devices: set[torch.device]) -> float:
        """Milliseconds of one call."""
        inputs, named = cloned(self.inputs), cloned(self.named)  # it may work in place
        wait_for(devices)
        start = perf_counter()
        network(*inputs, **named)
        wait_for(devices)
        return 1000 * (perf_counter() - start)

    def _moved(self, value: Any) -> Any:
        return with_own_containers(value, lambda tensor, path: tensor.to(self.device), "input")

    def _noted(self, tensor: Tensor, path: str) -> Tensor:
        self._devices.add(tensor.device)
        return tensor


def turns_of(runs: int) -> int:
    """How many turns it takes for so many calls that count.

    Args:
        runs: the number of these.
    """
    return -(-runs // A_TURN)


def wait_for(devices: set[torch.device]) -> None:
    """Wait until devices have computed what they were given; a CPU computes in the call itself.

    Args:
        devices: of any kind.
    """
    for device in devices:
        if device.type not in ("cpu", "meta"):
            torch.accelerator.synchronize(device)


def _checked(device: Device) -> torch.device:
    """The device, if it can hold a tensor."""
    try:
        return torch.empty(0, device=device).device
    except Exception as error:  # its kind depends on the device
        refuse(
            SettingError,
            "device",
            found=f"{str(device)!r} ({reason(error)})",
            expected="a device of this machine, as 'cpu', 'cuda' or 'mps'",
            remedy="name another",
        )
