"""Outputs, gradients and weights of modules, compared up to `TOLERANCE` of the largest number."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

TOLERANCE = 1e-5
DRAWS = 4  # of weights, to see which of them have an influence


def tensors(output: Any) -> list[Tensor]:
    """The tensors in an output, however it is nested."""
    return list(_tensors(output))


def _tensors(output: Any) -> Iterator[Tensor]:
    """The same, one by one."""
    if isinstance(output, Tensor):
        yield output
        return
    assert isinstance(output, Mapping | list | tuple), f"found {type(output)} in an output"
    for part in output.values() if isinstance(output, Mapping) else output:
        yield from _tensors(part)


def check_equal(found: Any, expected: Any) -> None:
    """Two outputs have equal shapes and, nearly, numbers."""
    assert len(tensors(found)) == len(tensors(expected))
    for a, b in zip(tensors(found), tensors(expected), strict=True):
        close(a, b, largest([b]))


def close(found: Tensor, expected: Tensor, scale: float) -> None:
    """Equal shapes, and numbers that differ by at most `TOLERANCE * scale`."""
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE * scale)


def largest(values: Iterable[Tensor]) -> float:
    """The largest absolute value."""
    return max((float(v.detach().abs().max()) for v in values if v.numel()), default=0.0)


def backward(output: Any) -> None:
    """Add the gradient of some linear function of the output, the same for equal shapes."""
    total = torch.zeros(())
    for out in tensors(output):
        if out.requires_grad:
            generator = torch.Generator().manual_seed(0)
            total = total + (out * torch.randn(out.shape, generator=generator).to(out)).sum().cpu()
    if total.requires_grad:
        total.backward()  # type: ignore[no-untyped-call]


def gradients(net: nn.Module) -> dict[str, Tensor]:
    """The gradients of the weights that have one, by name."""
    return {name: w.grad for name, w in net.named_parameters() if w.grad is not None}


def weights_in_use(net: nn.Module, *arguments: Any, **named: Any) -> set[str]:
    """The names of the weights that have any influence on the output.

    A gradient may be zero by chance, as that of a ReLU without a positive input. So it is taken
    several times, first with the network's own weights, then with random positive ones.
    """
    net = copy.deepcopy(net)
    generator = torch.Generator().manual_seed(0)
    used: set[str] = set()
    for _ in range(DRAWS):
        net.zero_grad(set_to_none=True)
        backward(net(*arguments, **named))
        used |= {name for name, gradient in gradients(net).items() if gradient.count_nonzero()}
        for weight in net.parameters():
            size = 2 * weight.detach().abs().mean()
            weight.data.copy_(torch.rand(weight.shape, generator=generator) * size.cpu())
    return used


@torch.no_grad()
def influences(net: nn.Module, name: str, *arguments: Any, **named: Any) -> bool:
    """Whether the output changes with one weight."""
    net = copy.deepcopy(net)
    before = tensors(net(*arguments, **named))
    weight = net.get_parameter(name)
    generator = torch.Generator().manual_seed(0)
    weight.add_(torch.randn(weight.shape, generator=generator).to(weight))
    return not all(map(torch.equal, tensors(net(*arguments, **named)), before))


@torch.no_grad()
def shift_weights(net: nn.Module) -> None:
    """Move all weights a little, away from special values such as zero."""
    generator = torch.Generator().manual_seed(0)
    for weight in net.parameters():
        weight.add_(0.1 * torch.rand(weight.shape, generator=generator).to(weight))


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks of the same architecture have equal weights."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def check_apart(network: nn.Module, net: nn.Module) -> None:
    """`network` holds no module of `net`, and no tensor that shares memory with one of it."""
    _PartsVisitor(net).dump(network)


class _PartsVisitor(pickle.Pickler):
    """Visits everything that an object holds, by pickling it into a buffer that is dropped."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__(io.BytesIO())
        self.modules = set(net.modules())
        self.storages = {_storage(t) for t in chain(net.parameters(), net.buffers()) if t.numel()}

    def persistent_id(self, part: Any) -> None:
        """Called by pickle with every part."""
        if isinstance(part, nn.Module):
            assert part not in self.modules, f"holds a {type(part).__name__} of the supernet"
        if isinstance(part, Tensor):
            assert _storage(part) not in self.storages, f"shares a tensor of {tuple(part.shape)}"


def _storage(tensor: Tensor) -> int:
    """What tensors have in common that share memory."""
    return tensor.untyped_storage().data_ptr()
