"""A supernet to test, and what it is tested with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from pdas.space import Architecture, SearchSpace


@dataclass(frozen=True)
class SupernetCase:
    """A supernet to test, and what it is called with. Tests change it, so make a new one for each.

    Args:
        net: a module with `space`, called `net(*inputs, architecture, **named)`. Small, so that
            tests are fast.
        inputs: of two or more different examples, on the device of `net`. Outputs are a tensor, or
            dicts, lists and tuples of tensors.
        derive: returns the plain network of an architecture, with a copy of the supernet's weights
            if the second argument is true, else with fresh ones. By default
            `net.derive(architecture, keep_weights=...)`.
        named: inputs by name.

    Example:
        SupernetCase(Net(), inputs=(torch.randn(5, 4),))
    """

    net: nn.Module
    inputs: tuple[Any, ...]
    derive: Callable[[Architecture, bool], nn.Module] | None = None
    named: Mapping[str, Any] = field(default_factory=dict)

    def architectures(self) -> list[Architecture]:
        """Random architectures, always the same: at least four, in which every category occurs."""
        space: Any = self.net.space
        return random_architectures(space)

    def other_inputs(self) -> tuple[Any, ...]:
        """The same examples in reverse."""
        return tuple(x.flip(0) if isinstance(x, Tensor) and x.ndim else x for x in self.inputs)

    def derived(self, architecture: Architecture, keep_weights: bool) -> nn.Module:
        """The plain network of an architecture; skips the test if nothing derives it."""
        if self.derive is not None:
            return self.derive(architecture, keep_weights)
        network: nn.Module = self.method("derive")(architecture, keep_weights=keep_weights)
        return network

    def method(self, name: str) -> Any:
        """A method that a supernet may have; skips the test if it has not."""
        method: Any = getattr(self.net, name, None)
        if not callable(method):
            pytest.skip(f"{type(self.net).__name__} has no {name}")
        return method


def random_architectures(space: SearchSpace) -> list[Architecture]:
    """Random architectures, always the same: at least four, in which every category occurs."""
    rng = np.random.default_rng(0)
    count = max(4, int(space.sizes.max()))
    # Each column has every category of one variable.
    columns = [rng.permutation(np.arange(count) % K) for K in space.sizes]
    return space.architectures(np.stack(columns, axis=1))
