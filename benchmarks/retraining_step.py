"""Images per second of a retraining, by how its network is computed.

    python benchmarks/retraining_step.py [--recipe cifar10] [--steps 8] [--threads N] [--compile]
                                         [--set NAME=VALUE ...]

The network of an architecture drawn uniformly, as the recipe retrains it: its width under the
recipe's limits, its batch size, auxiliary classifier, drop path at half of its last rate, clipping
and optimizer. A step is the forward and backward pass and the update. All ways start from the same
weights and get the same images; they run in turns in one process, and times are medians over the
steps. The ways are torch's own operations; the compiled operators of `pdas.kernels`, where they can
be had; and with `--compile` also `torch.compile`, which first takes minutes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas import recipes
from pdas.distributed.compiling import compiled
from pdas.distributed.settings import DeviceSettings
from pdas.kernels.choice import Setting, choose_kernels
from pdas.spaces.base import FAMILIES
from pdas.tasks.classification.task import ClassifierTraining

IMAGE, CLASSES = (3, 32, 32), 10
Step = Callable[[], float]


def training(recipe: Any, kernels: Setting) -> ClassifierTraining:
    """The network of one architecture, in the middle of its training."""
    torch.manual_seed(0)
    family: Any = FAMILIES[recipe.network.space]
    size = family.size(recipe.network, IMAGE, CLASSES)
    architecture = family.space(recipe.network).uniform(np.random.default_rng(0))
    retrained = family.retrained_size(size, architecture.to_dict(), recipe.retrain, IMAGE)
    network = family.network(architecture, retrained, auxiliary=True)
    module = ClassifierTraining(network, recipe.retrain).train()
    module.before_epoch(0.5)
    print(f"kernels {kernels}: {choose_kernels(module, kernels, torch.device('cpu'))}")
    return module


def step_of(module: ClassifierTraining, recipe: Any) -> Step:
    """One update of the weights; returns the seconds that it took."""
    torch.manual_seed(1)
    size = recipe.retrain.batch_size
    images = torch.rand(size, *IMAGE).contiguous(memory_format=torch.channels_last)
    batch = images, torch.randint(CLASSES, (size,))
    optimizer = recipe.retrain.optimizer.make(module.parameters())

    def step() -> float:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = module(batch)["loss"]
        assert isinstance(loss, torch.Tensor)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), recipe.retrain.clip)
        optimizer.step()
        return time.perf_counter() - start

    return step


def timed(ways: Mapping[str, Step], steps: int) -> dict[str, list[float]]:
    """Seconds of each way, in turns, after one step of each."""
    for name, step in ways.items():
        print(f"first step, {name}: {step():.1f} s")
    times: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(steps):
        for name in list(ways)[:: 1 if index % 2 else -1]:
            times[name].append(ways[name]())
    return times


def print_table(times: Mapping[str, list[float]], batch_size: int) -> None:
    """Images per second, and the ratio to the first way, step by step."""
    first = next(iter(times.values()))
    print(f"\n{'':<24}{'ms a step':>10}{'images/s':>10}{'ratio':>8}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        ratio = statistics.median(a / b for a, b in zip(first, seconds, strict=True))
        print(f"{name:<24}{median * 1e3:>10.0f}{batch_size / median:>10.1f}{ratio:>8.2f}")


def main() -> None:
    """Parse the arguments and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="cifar10")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe: Any = recipes.load(arguments.recipe, arguments.changes)
    with ExitStack() as stack:
        library = training(recipe, "library")
        ways = {"library": step_of(library, recipe)}
        ways["compiled operators"] = step_of(training(recipe, "auto"), recipe)
        if arguments.compile:
            module = training(recipe, "library")
            stack.enter_context(compiled(DeviceSettings(compile=True), module))
            ways["torch.compile"] = step_of(module, recipe)
        size = library.network.settings
        print(
            f"torch {torch.__version__}, {arguments.threads} threads, batch "
            f"{recipe.retrain.batch_size}, {size}"
        )
        print_table(timed(ways, arguments.steps), recipe.retrain.batch_size)


if __name__ == "__main__":
    main()
