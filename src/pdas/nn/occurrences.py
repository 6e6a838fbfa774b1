"""The occurrences of modules in a user's network, and under which categories each of them runs.

A module that stands in the network twice has two occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.conditions import Conditions
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


@dataclass(frozen=True)
class Occurrence:
    """A module, one path that leads to it, and the conditions under which it runs there.

    Attributes:
        path: the names of the modules around it, joined by dots; empty for the whole.
        module: at this path.
        conditions: all must hold.

    Example:
        [occurrence.path for occurrence in occurrences(module)]
    """

    path: str
    module: nn.Module
    conditions: Conditions

    @property
    def where(self) -> str:
        """The path, for a message."""
        return self.path or "(the whole)"


def occurrences(module: nn.Module) -> list[Occurrence]:
    """All modules inside of a module and the module itself, parents first.

    Args:
        module: of the user.

    Raises:
        NetworkError: a choice is inside of a module that cannot hold one.
    """
    found = list(_occurrences(module, "", Conditions()))
    for outer in found:
        wrapper = _wrapper(outer.module)
        if wrapper and any(isinstance(m, ChoicePoint) for m in outer.module.modules()):
            refuse(
                NetworkError,
                f"module {outer.where}",
                found=f"choices in a {wrapper}",
                expected="them in plain modules, since every call runs another architecture",
                remedy="wrap net.derive(architecture) instead",
            )
    return found


def _occurrences(module: nn.Module, path: str, conditions: Conditions) -> Iterator[Occurrence]:
    """The module and all inside of it, where it runs under `conditions`."""
    yield Occurrence(path, module, conditions)
    for name, child in module._modules.items():  # `named_children` leaves out what comes twice
        if child is None:
            continue
        inside = conditions
        if isinstance(module, ChoicePoint):
            inside = conditions & module.condition_of(name)
        yield from _occurrences(child, f"{path}.{name}" if path else name, inside)


def _wrapper(module: nn.Module) -> str | None:
    """The kind of a wrapper that choices cannot be in."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return f"nn.{type(module).__name__}"
    if type(module).__name__ == "OptimizedModule" or module._compiled_call_impl is not None:
        return "module of torch.compile"
    return None
