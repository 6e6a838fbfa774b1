"""What is measured of a call on a device: its kernels, their time, and the time of the host."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from roofline import CountWork
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from pdas.distributed.numerics import tf32

Call = Callable[[], object]

PRECISIONS = {  # Fabric's name, and what convolutions and products of fp32 use on a GPU
    "ieee": ("32-true", "ieee"),
    "tf32": ("32-true", "tf32"),
    "bf16": ("bf16-mixed", "tf32"),
    "fp16": ("16-mixed", "tf32"),
}
DTYPES = {
    "ieee": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


class Busy(NamedTuple):
    """Milliseconds a call, and the kernels that it launches; None on a CPU."""

    ms: float
    kernels: float | None


def precisions(device: torch.device) -> list[str]:
    """Those that a device has."""
    return list(PRECISIONS) if device.type == "cuda" else ["ieee", "bf16"]


def fp32_as(precision: str) -> AbstractContextManager[None]:
    """Within it, convolutions and products of fp32 have the bits of "ieee" or of "tf32"."""
    return tf32(PRECISIONS[precision][1] == "tf32")


def wait(device: torch.device) -> None:
    """Until the device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def busy(call: Call, device: torch.device, turns: int) -> Busy:
    """The time in which a device computes for a call, without the gaps between its kernels.

    Args:
        call: is called twice before.
        device: where it computes. On a CPU it is the time of the call.
        turns: how often it is called.
    """
    call()
    call()
    wait(device)
    if device.type != "cuda":
        start = time.perf_counter()
        for _ in range(turns):
            call()
        return Busy((time.perf_counter() - start) / turns * 1e3, None)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        for _ in range(turns):
            call()
        wait(device)
    events = [
        event
        for event in profiled.events()
        # Annotations, as of a step of an optimizer, last as long as the kernels in them.
        if event.device_type == DeviceType.CUDA and not event.is_user_annotation
    ]
    kernels = sum(not event.name.startswith("Mem") for event in events)  # Memcpy and Memset
    ms = sum(event.time_range.elapsed_us() for event in events) / 1e3
    return Busy(ms / turns, kernels / turns)


def host_and_total(call: Call, device: torch.device, turns: int) -> tuple[float, float]:
    """Milliseconds until a call that reads no result returns, and until it is computed.

    Medians; the call was made before.
    """
    host, total = [], []
    for _ in range(turns):
        wait(device)
        start = time.perf_counter()
        call()
        host.append(time.perf_counter() - start)
        wait(device)
        total.append(time.perf_counter() - start)
    return statistics.median(host) * 1e3, statistics.median(total) * 1e3


class Rates(NamedTuple):
    """What a device does at best: seconds of a launch, bytes and operations per second."""

    launch: float
    bandwidth: float
    operations: dict[str, float]

    def to_json(self) -> dict[str, float]:
        """In units for people."""
        return {
            "launch_us": self.launch * 1e6,
            "copy_GB_per_s": self.bandwidth / 1e9,
            **{f"{name}_TFLOP_per_s": rate / 1e12 for name, rate in self.operations.items()},
        }


def measured_rates(device: torch.device, quick: bool) -> Rates:
    """Those of a tiny kernel, of a large copy, and of a large product in each precision."""
    small = torch.zeros(1, device=device)
    launches = 200 if quick else 5000
    launch = _best(lambda: [small.add_(1) for _ in range(launches)], device) / launches
    bandwidth = _bandwidth(1 << (20 if quick else 28), device)
    side = 256 if quick else 8192
    operations = {}
    for name in precisions(device):
        a, b = (torch.ones(side, side, device=device, dtype=DTYPES[name]) for _ in range(2))
        with fp32_as(name):
            operations[name] = 2 * side**3 / _best(lambda a=a, b=b: a @ b, device)
    return Rates(launch, bandwidth, operations)


def bounds(steps: Call, count: int, rates: Rates, precision: str) -> tuple[float, float]:
    """Milliseconds that memory and arithmetic need at least for a step.

    Args:
        steps: makes `count` steps. All inputs and outputs of each operation count as moved, so the
            first is too much where a cache holds them.
        count: see above.
        rates: of the device.
        precision: of the products.
    """
    with CountWork() as work:
        steps()
    operations, size = (total / count for total in work.totals)
    return size / rates.bandwidth * 1e3, operations / rates.operations[precision] * 1e3


def _bandwidth(length: int, device: torch.device) -> float:
    source, target = (torch.zeros(length, device=device) for _ in range(2))
    return 2 * 4 * length / _best(lambda: target.copy_(source), device)


def _best(call: Call, device: torch.device, rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        wait(device)
        start = time.perf_counter()
        call()
        wait(device)
        times.append(time.perf_counter() - start)
    return min(times)
