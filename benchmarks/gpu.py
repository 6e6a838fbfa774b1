"""What a GPU makes of a search and of a retraining, and which bound rules.

    python benchmarks/gpu.py [--out gpu.json] [--minutes 8] [--device cpu] [--quick]

Four tables in markdown, and all figures in a JSON file:

1. depthwise convolutions by memory layout and type, forward and both gradients: the first thing to
   know of a GPU, since torch takes other kernels for each;
2. steps of searches and retrainings by layout and precision, against three bounds: the launches of
   their kernels, the memory they move, the arithmetic they do. "host" is the time until all of a
   step is launched, "busy" that in which the GPU computes;
3. several searches at a time on one GPU, in turns and by CUDA MPS;
4. retrainings by `torch.compile`.

Without CUDA it says so and ends; `--device cpu --quick` runs the same code on tiny networks. What
does not fit into the time is left out and named.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from gpu_measures import (
    DTYPES,
    Rates,
    bounds,
    busy,
    fp32_as,
    host_and_total,
    measured_rates,
    precisions,
    wait,
)
from gpu_networks import LAYOUTS, PAIRS, WORKLOADS, Way
from gpu_sharing import ROWS as SHARING
from gpu_sharing import steps_at_a_time

from pdas.distributed.compiling import compiled
from pdas.distributed.settings import DeviceSettings
from pdas.support.errors import PdasError, PdasWarning

Row = dict[str, Any]
Rows = Mapping[str, Callable[[], Row]]
SHAPES = ((64, 16, 32), (64, 64, 8))  # images, channels, pixels a side: of the first cell and last
PARTS = ("depthwise", "steps", "several", "compiled")


class Budget:
    """Makes rows until the time is over, and remembers those that are left out.

    Args:
        seconds: for all rows.

    Attributes:
        left_out: their names, with the reason.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.left_out: dict[str, str] = {}

    def rows(self, part: str, rows: Rows, until: float) -> Iterator[Row]:
        """The rows of a part; none begins when less than a share `until` of the time is left."""
        begin = time.monotonic()
        end = begin + (self._end - begin) * until
        for name, make in rows.items():
            left = end - time.monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                with _at_most(left + (self._end - end) / 2):
                    yield {"part": part, "name": name, **make()}
            except TimeoutError:
                self.left_out[f"{part}: {name}"] = "no time was left"
            except (PdasError, PdasWarning, RuntimeError) as error:  # another row may work
                reason = str(error).strip().split("\n")[0]
                self.left_out[f"{part}: {name}"] = f"{type(error).__name__}: {reason}"
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()  # for the next row, which may be another process


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Within it, a TimeoutError is raised when the time is over."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def depthwise_rows(device: torch.device, quick: bool, rates: Rates) -> Rows:
    """Both kernels of the paper's cells in every type and layout."""
    shapes = [(2, 4, 8)] if quick else SHAPES
    return {
        f"{kernel}x{kernel}, {precision}, channels {layout}, {n}x{c}x{side}x{side}": (
            lambda k=kernel, p=precision, lay=layout, s=(n, c, side): _depthwise(
                k, p, lay, s, device, rates
            )
        )
        for n, c, side in shapes
        for kernel in (3, 5)
        for precision in precisions(device)
        for layout in LAYOUTS
    }


def _depthwise(
    kernel: int,
    precision: str,
    layout: str,
    shape: tuple[int, int, int],
    device: torch.device,
    rates: Rates,
) -> Row:
    n, channels, side = shape
    dtype, form = DTYPES[precision], LAYOUTS[layout]
    x = torch.randn(n, channels, side, side, device=device, dtype=dtype).contiguous(
        memory_format=form
    )
    weight = torch.randn(channels, 1, kernel, kernel, device=device, dtype=dtype).contiguous(
        memory_format=form
    )
    pad = kernel // 2

    def gradient(of_input: bool) -> Callable[[], object]:
        return lambda: torch.ops.aten.convolution_backward(
            x, x, weight, None, [1, 1], [pad, pad], [1, 1], False, [0, 0], channels,
            [of_input, not of_input, False],
        )  # fmt: skip

    calls = {
        "forward": lambda: F.conv2d(x, weight, padding=pad, groups=channels),
        "input gradient": gradient(True),
        "weight gradient": gradient(False),
    }
    with fp32_as(precision):
        times = {f"{name} us": busy(call, device, 10).ms * 1e3 for name, call in calls.items()}
    # Each reads two such maps or reads one and writes one; weights are next to nothing.
    least = 2 * x.numel() * x.element_size() / rates.bandwidth * 1e6
    return {"kernel": f"{kernel}x{kernel}", "precision": precision, "layout": layout,
            "maps": f"{n}x{channels}x{side}x{side}", **times, "memory us": least}  # fmt: skip


def step_rows(device: torch.device, quick: bool, rates: Rates) -> Rows:
    """Every network in every precision and layout."""
    return {
        f"{network}, {precision}, channels {layout}": (
            lambda w=network, p=precision, lay=layout: _steps(
                w, Way(device, lay, p, quick), rates, False
            )
        )
        for network in WORKLOADS
        for precision in precisions(device)
        for layout in LAYOUTS
        # torch's backward pass of these crashes on CPUs
        if device.type != "cpu" or layout == "first" or "auto-encoders" not in network
    }


def compiled_rows(device: torch.device, quick: bool, rates: Rates) -> Rows:
    """The retraining of cells by torch.compile."""
    return {
        f"retraining, cells, {precision}, channels {layout}, compiled": (
            lambda p=precision, lay=layout: _steps(
                "retraining, cells", Way(device, lay, p, quick), rates, True
            )
        )
        for precision in precisions(device)[1:3]
        for layout in LAYOUTS
    }


def _steps(network: str, way: Way, rates: Rates, compile: bool) -> Row:
    device, seconds = way.device, 0.05 if way.quick else 2.0
    torch.manual_seed(0)
    work = WORKLOADS[network](way)
    settings = DeviceSettings(compile=compile)
    with warnings.catch_warnings(), fp32_as(way.precision), compiled(settings, work.module):
        warnings.simplefilter("error", PdasWarning)  # as that it runs uncompiled
        computes, kernels = busy(work.call, device, 2 if way.quick else PAIRS)
        host, total = host_and_total(work.call, device, 2 if way.quick else 2 * PAIRS)
        memory = arithmetic = None
        if not compile:  # whose operations cannot be counted one by one
            count = 1 if way.quick else PAIRS
            memory, arithmetic = bounds(
                lambda: [work.call() for _ in range(count)], count, rates, way.precision
            )
        rate = work.steps_per_second(seconds)
    wait(device)
    launches = None if kernels is None else kernels * rates.launch * 1e3
    found = {"launches": launches, "memory": memory, "arithmetic": arithmetic}
    known = {name: ms for name, ms in found.items() if ms is not None}
    peak = torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return {
        "network": network, "precision": way.precision, "layout": way.layout, "compiled": compile,
        "steps/s": rate, "step ms": total, "host ms": host, "busy ms": computes,
        "kernels": kernels, **{f"{name} ms": ms for name, ms in found.items()},
        "largest bound": max(known, key=lambda name: known[name], default=None), "peak MB": peak,
    }  # fmt: skip


def several_rows(device: torch.device, quick: bool) -> Rows:
    """Searches at a time, in turns and by MPS."""
    return {
        f"{count} at a time, {how}": lambda c=count, h=how: steps_at_a_time(c, h, device, quick)
        for count, how in (SHARING[:2] if quick else SHARING)
        if device.type == "cuda" or how == "in turns"
    }


def table(rows: Sequence[Row]) -> str:
    """Rows as a table in markdown."""
    if not rows:
        return "(nothing)"
    columns = [key for key in rows[0] if key not in ("part", "name")]
    lines = [columns, ["---"] * len(columns)]
    lines += [[_text(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    if value is None:
        return ""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 1000
        else (f"{value:.0f}" if isinstance(value, float) else str(value))
    )


def about(device: torch.device) -> Row:
    """The card, the versions and the date."""
    cuda = device.type == "cuda"
    properties = torch.cuda.get_device_properties(device) if cuda else None
    return {
        "device": platform.processor() or "CPU" if properties is None else properties.name,
        "memory_MB": None if properties is None else properties.total_memory // 10**6,
        "capability": f"{properties.major}.{properties.minor}" if properties else None,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def measure(device: torch.device, quick: bool, minutes: float, parts: Sequence[str]) -> Row:
    """All parts, printed one by one."""
    budget = Budget(60 * minutes)
    head = about(device)
    print("  \n".join(f"{name}: {value}" for name, value in head.items() if value is not None))
    rates = measured_rates(device, quick)
    print(", ".join(f"{name} {value:.3g}" for name, value in rates.to_json().items()))
    makers: dict[str, tuple[Rows, float]] = {  # and the share of the time that is left then
        "depthwise": (depthwise_rows(device, quick, rates), 0.25),
        "steps": (step_rows(device, quick, rates), 0.65),
        "several": (several_rows(device, quick), 0.7),
        "compiled": (compiled_rows(device, quick, rates), 1.0),
    }
    found = []
    for part in parts:
        rows = list(budget.rows(part, *makers[part]))
        print(f"\n## {part}\n\n{table(rows)}", flush=True)
        found += rows
    for name, reason in budget.left_out.items():
        print(f"left out: {name} ({reason})")
    return {**head, "rates": rates.to_json(), "rows": found, "left_out": budget.left_out}


def main(words: Sequence[str] | None = None) -> None:
    """Parse the arguments, print the tables, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny networks, a few steps")
    parser.add_argument("--minutes", type=float, default=8.0, help="at most")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    arguments = parser.parse_args(words)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA here, nothing was measured; --device cpu --quick runs the same code")
        return
    logging.getLogger("pdas").setLevel("ERROR")
    logging.getLogger("lightning_fabric").setLevel("ERROR")
    device = torch.device(arguments.device)
    # Half a minute is kept for what a row takes to end.
    found = measure(device, arguments.quick, max(arguments.minutes - 0.5, 0.1), arguments.parts)
    arguments.out.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\nall of it: {arguments.out}")


if __name__ == "__main__":
    main()
