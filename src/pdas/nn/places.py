"""The places in a user's module: which parts of it run under which categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from pdas.nn.choice_point import Point
from pdas.nn.conditions import Conditions
from pdas.support.errors import NetworkError


@dataclass(frozen=True)
class Place:
    """A module at one of the places where it stands, and the conditions under which it runs."""

    path: str
    module: nn.Module
    conditions: Conditions

    @property
    def where(self) -> str:
        """The path, for a message."""
        return self.path or "(the whole)"


def places(module: nn.Module) -> list[Place]:
    """All modules inside, parents first; one that stands in two places comes twice.

    Raises `NetworkError` if a choice is inside of a module that cannot hold one.
    """
    found = list(_places(module, "", Conditions()))
    for outer in found:
        wrapper = _wrapper(outer.module)
        if wrapper and any(isinstance(m, Point) for m in outer.module.modules()):
            raise NetworkError(
                f"module {outer.where}: found choices in a {wrapper}, expected "
                "them in plain modules, since every call runs another architecture; wrap "
                "net.derive(architecture) instead"
            )
    return found


def _places(module: nn.Module, path: str, conditions: Conditions) -> Iterator[Place]:
    yield Place(path, module, conditions)
    for name, child in module._modules.items():  # `named_children` leaves out what comes twice
        if child is None:
            continue
        inside = conditions
        if isinstance(module, Point):
            inside = conditions & module.condition_of(name)
        yield from _places(child, f"{path}.{name}" if path else name, inside)


def _wrapper(module: nn.Module) -> str | None:
    """The kind of a wrapper that choices cannot be in."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return f"nn.{type(module).__name__}"
    if type(module).__name__ == "OptimizedModule" or module._compiled_call_impl is not None:
        return "module of torch.compile"
    return None
