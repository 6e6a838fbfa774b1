"""A whole step of the search against a plain implementation of the same arithmetic.

    python benchmarks/search_step.py [--task inpainting] [--pairs 12] [--threads N] [--quick]

One step of Algorithm 1 with lambda 2: with the paper's network of cells (C = 16, 8 cells) and 64
images of 32x32, or with its auto-encoders (20 layers) and 16 images of 64x64. Both sides start from
the same weights and get the same architectures, drawn uniformly, and the same images; they run in
turns in one process and times are medians over the pairs of architectures. The plain side is
`benchmarks/plain.py`, or `benchmarks/padded.py`, which pads to 256 channels; it runs forward and
backward for one architecture after the other, which needs the least memory. Our cells run with
torch's own operations and then, where they can be had, with compiled ones. First the two sides are
checked against each other; peak memory is that of a fresh process for each side.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence

import torch
from roofline import CountWork, measured_rates
from sides import NAMES, PHASES, TASKS, Clock, Task, pairs, sides
from torch import Tensor

from pdas.kernels.choice import Setting, choose_kernels


def check(task: Task, kernels: Setting) -> None:
    """What is compared agrees to 1e-10 in float64, with the gradients, and to 1e-4 in float32."""
    both = sides(task, torch.float64, kernels)
    data = task.batch(4, torch.float64)
    worst = worst_gradient = 0.0
    for pair in pairs(both["ours"].theta.space, 2):
        found, gradients = {}, {}
        for name, side in both.items():
            side.net.zero_grad(set_to_none=True)
            found[name] = [result.detach() for result in task.compared(side, pair, data)]
            side.gradient(pair, data, Clock())
            gradients[name] = {
                n: torch.zeros_like(p) if p.grad is None else p.grad
                for n, p in side.net.named_parameters()
            }
        ours = task.to_plain(gradients["ours"])
        worst = max(worst, *map(difference, found["ours"], found["plain"]))
        for name, reference in gradients["plain"].items():
            worst_gradient = max(worst_gradient, difference(ours[name], reference))
    print(f"float64: results differ by {worst:.1e}, gradients by {worst_gradient:.1e}")
    assert worst < 1e-10 and worst_gradient < 1e-10

    both = sides(task, kernels=kernels)
    data = task.batch(16)
    with torch.no_grad():
        worst = max(
            difference(ours, plain)
            for pair in pairs(both["ours"].theta.space, 4)
            for plain, ours in zip(
                *(task.compared(side, pair, data) for side in both.values()), strict=True
            )
        )
    print(f"float32: results differ by {worst:.1e}")
    assert worst < 1e-4


def difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference relative to the largest expected value."""
    error = float((found - expected).abs().max())
    return error and error / float(expected.abs().max())


def timed(task: Task, count: int, kernels: Setting) -> dict[str, list[dict[str, float]]]:
    """Seconds of each phase for each side and pair, after one step of each to warm up."""
    both = sides(task, kernels=kernels)
    data = task.batch(), task.batch()
    times: dict[str, list[dict[str, float]]] = {name: [] for name in both}
    for index, pair in enumerate(pairs(both["ours"].theta.space, count + 1)):
        order = list(both) if index % 2 else list(both)[::-1]
        for name in order:
            seconds = both[name].step(pair, *data)
            if index > 0:
                times[name].append(seconds)
    return times


def print_times(times: dict[str, list[dict[str, float]]]) -> None:
    """The table of phases, the ratios and the share of the optimizer."""
    totals = {name: [sum(row.values()) for row in rows] for name, rows in times.items()}
    print(f"\n{'median ms':<15}{'plain':>9}{'ours':>9}{'ratio':>9}")
    for phase in PHASES:
        print_row(phase, *([row[phase] for row in times[name]] for name in NAMES))
    print_row("step", totals["plain"], totals["ours"])
    ratios = [a / b for a, b in zip(totals["plain"], totals["ours"], strict=True)]
    print(
        f"ratio pair by pair: median {statistics.median(ratios):.2f}, "
        f"from {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} pairs"
    )
    theta = statistics.median(row["theta update"] for row in times["ours"])
    share = theta / statistics.median(totals["ours"])
    print(f"share of the optimizer (ask and tell) in our step: {share:.3%} (wanted: under 1 %)")


def print_row(name: str, plain: Sequence[float], ours: Sequence[float]) -> None:
    """One row of the table."""
    a, b = statistics.median(plain), statistics.median(ours)
    print(f"{name:<15}{a * 1e3:>9.1f}{b * 1e3:>9.1f}{a / b:>9.2f}")


def print_roofline(task: Task, times: dict[str, list[dict[str, float]]]) -> None:
    """Least time of our step by counted work and measured rates, and our share of it."""
    rates = measured_rates()
    both = sides(task)
    data = task.batch(), task.batch()
    least, flops, size = [], [], []
    for pair in pairs(both["ours"].theta.space, 1 + len(times["ours"]))[1:]:
        with CountWork() as count:
            both["ours"].step(pair, *data)
        least.append(count.seconds(rates))
        flops.append(count.totals[0])
        size.append(count.totals[1])
    shares = [a / sum(b.values()) for a, b in zip(least, times["ours"], strict=True)]
    print(
        f"\nroofline: {rates[0] / 1e9:.0f} GFLOP/s, {rates[1] / 1e9:.1f} GB/s; our step has "
        f"{statistics.median(flops) / 1e9:.1f} GFLOP and moves {statistics.median(size) / 1e9:.1f} "
        f"GB, at least {statistics.median(least) * 1e3:.0f} ms: "
        f"we reach {statistics.median(shares):.0%}"
    )


def peak_memory(
    task: str, name: str, threads: int, steps: int, kernels: Setting
) -> tuple[float, float]:
    """MB before and at the peak of the steps of a side in a fresh process."""
    arguments = ["--task", task, "--threads", str(threads), "--memory-of", name]
    arguments += ["--pairs", str(steps), "--kernels", kernels]
    out = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, capture_output=True, text=True
    )
    before, peak = map(float, out.stdout.split())
    return before, peak


def print_memory_of(task: Task, name: str, steps: int, kernels: Setting) -> None:
    """Run steps of a side; print the peak memory before and after."""
    side = task.side(name)
    choose_kernels(side.net, kernels, torch.device("cpu"))
    data = task.batch(), task.batch()
    before = peak_so_far()
    for pair in pairs(side.theta.space, steps):
        side.step(pair, *data)
    print(before, peak_so_far())


def peak_so_far() -> float:
    """Largest resident memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Parse the arguments and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=tuple(TASKS), default="cells")
    parser.add_argument("--pairs", type=int, default=12, help="pairs of architectures")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="3 pairs")
    parser.add_argument("--kernels", choices=("auto", "library"), help="default: both")
    parser.add_argument("--memory-of", choices=NAMES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task, count = TASKS[arguments.task], 3 if arguments.quick else arguments.pairs
    if arguments.memory_of:
        print_memory_of(task, arguments.memory_of, arguments.pairs, arguments.kernels)
        return
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    asked: list[Setting] = [arguments.kernels] if arguments.kernels else ["library", "auto"]
    for setting in asked:  # first: a process inherits the peak of the one it comes from
        for name in NAMES:
            before, peak = peak_memory(arguments.task, name, arguments.threads, count, setting)
            print(
                f"peak memory, {name}, kernels {setting}: {peak:.0f} MB, "
                f"of which the steps {peak - before:.0f} MB"
            )
    for setting in asked:
        print(f"\nkernels: {choose_kernels(task.side('ours').net, setting, torch.device('cpu'))}")
        check(task, setting)
        times = timed(task, count, setting)
        print_times(times)
        if setting == "library":  # the count of operations is of torch's
            print_roofline(task, times)


if __name__ == "__main__":
    main()
