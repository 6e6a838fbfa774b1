"""How fast this machine could be at best: counted work over measured rates.

Every operator of a computation is counted while it runs: its floating point operations
(multiplications and additions of matrix products and convolutions) and the bytes of the tensors it
reads and writes. By the roofline model it takes at least the longer of operations over the rate of
a large matrix product and bytes over the bandwidth of memory. Tensors that are still in a cache
when they are read again can make an operator faster than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


class CountWork(TorchDispatchMode):
    """Counts (floating point operations, bytes) of each operator run under it."""

    def __init__(self) -> None:
        super().__init__()
        self.work: list[tuple[int, int]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.work.append((_operations(func, args, out), _bytes(args) + _bytes(out)))
        return out

    def seconds(self, rates: tuple[float, float]) -> float:
        """Least time of all that was counted at rates in (operations, bytes) per second."""
        return sum(max(flops / rates[0], size / rates[1]) for flops, size in self.work)

    @property
    def totals(self) -> tuple[int, int]:
        """All operations and all bytes."""
        return sum(flops for flops, _ in self.work), sum(size for _, size in self.work)


def _operations(func: Any, args: Any, out: Any) -> int:
    if func is aten.convolution_backward.default:
        # The registered count takes a depthwise convolution for a dense one.
        grad_out, _, weight = args[:3]
        wanted = sum(args[-1][:2])  # the gradients of the input and of the weight
        return wanted * 2 * grad_out.numel() * weight[0].numel()
    count = flop_registry.get(func.overloadpacket)
    return count(*args, out_val=out) if count else 0


def _bytes(values: Any) -> int:
    return sum(x.numel() * x.element_size() for x in tree_leaves(values) if isinstance(x, Tensor))


def measured_rates() -> tuple[float, float]:
    """float32 operations per second of a matrix product, bytes per second of a copy (best of 5)."""
    side, length = 1024, 1 << 25
    a, b, c = (torch.ones(side, side) for _ in range(3))
    source, target = torch.ones(length), torch.ones(length)
    product = _best(lambda: torch.mm(a, b, out=c))
    copy = _best(lambda: target.copy_(source))
    return 2 * side**3 / product, 2 * 4 * length / copy


def _best(function: Callable[[], object], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
