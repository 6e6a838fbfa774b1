"""The time that `check` and `cost("multiply_adds")` take for torchvision's resnet50 at 224 pixels.

    python benchmarks/check_time.py

In each of the 16 blocks the inner width is chosen of three, and the 12 blocks that keep the shape
are optional: 28 variables, 72 categories. It prints seconds of the processor, the least of some
turns.
"""

from __future__ import annotations

import argparse
import time

import torch
from torchvision.models import resnet50

from pdas.nn import BatchNorm2d, Conv2d, OptionalLayer, Supernet, Value


def network() -> Supernet:
    """A resnet50 with chosen widths and depths."""
    net = resnet50()
    for number, stage in enumerate((net.layer1, net.layer2, net.layer3, net.layer4)):
        for index, block in enumerate(stage):
            widest = block.conv1.out_channels
            width = Value(f"width{number}.{index}", [widest // 4, widest // 2, widest])
            block.conv1 = Conv2d.of(block.conv1, out_channels=width)
            block.bn1 = BatchNorm2d.of(block.bn1, num_features=width)
            block.conv2 = Conv2d.of(block.conv2, in_channels=width, out_channels=width)
            block.bn2 = BatchNorm2d.of(block.bn2, num_features=width)
            block.conv3 = Conv2d.of(block.conv3, in_channels=width)
            if index:
                stage[index] = OptionalLayer(f"block{number}.{index}", block)
    return Supernet(net)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    net, x = network(), torch.randn(1, 3, 224, 224)
    calls = {
        "check": lambda: net.check(x),
        'cost("multiply_adds")': lambda: net.cost("multiply_adds", x),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    for name, times in seconds.items():
        print(f"{name}: {min(times):.2f} s")


if __name__ == "__main__":
    main()
