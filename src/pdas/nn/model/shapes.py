"""The shapes of what goes into and out of the modules of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from torch import nn

from pdas.nn.model.leaves import tensors_in
from pdas.nn.modes import evaluating
from pdas.support.containers import cloned

Shape = tuple[int, ...]


class Shapes:
    """By module, the shapes of its first input and its first output.

    Args:
        seen: these.

    Example:
        shapes_of(model, (x,), {}).keeps("layer1.1")  # True
    """

    def __init__(self, seen: Mapping[str, tuple[Shape | None, Shape | None]]) -> None:
        self._seen = seen

    def keeps(self, name: str) -> bool:
        """Whether a module gives the shape that it gets.

        Args:
            name: of the module.
        """
        first, last = self._seen.get(name, (None, None))
        return first is not None and first == last

    def needed(self, name: str, blocks: Sequence[str]) -> int:
        """How many blocks of a stack must run, since the last of them changes the shape.

        Args:
            name: of the stack.
            blocks: their names in it.
        """
        changing = [i for i, block in enumerate(blocks) if not self.keeps(f"{name}.{block}")]
        return changing[-1] + 1 if changing else 0


def shapes_of(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> Shapes:
    """The shapes in a call of a model.

    Args:
        model: any.
        inputs, named: what it is called with.
    """
    seen: dict[str, tuple[Shape | None, Shape | None]] = {}
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for name, module in model.named_modules():
            hook = partial(_remember, seen, name)
            handle = module.register_forward_hook(hook, with_kwargs=True)
            stack.callback(handle.remove)
        model(*cloned(inputs), **cloned(named))
    return Shapes(seen)


def _remember(
    seen: dict[str, tuple[Shape | None, Shape | None]],
    name: str,
    module: nn.Module,
    args: Any,
    kwargs: Any,
    output: Any,
) -> None:
    """The hook of a module."""
    first, last = (tensors_in(value)[:1] for value in ((args, kwargs), output))
    seen[name] = tuple(first[0].shape) if first else None, tuple(last[0].shape) if last else None
