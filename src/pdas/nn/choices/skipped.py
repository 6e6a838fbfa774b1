"""What stands for a layer that is passed over: its first input, or zeros, and its settings."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from pdas.nn.choices.choice_point import ChoicePoint

NOTHING = object()
_RESETS = ("reset_parameters", "_reset_parameters")
_PLAIN = (bool, int, float, str, type(None))
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


@dataclass(frozen=True)
class Form:
    """What a layer returns: a tensor, or a container that begins with one.

    Attributes:
        kind: of the container, a tuple or a list; None of a tensor.
        length: of the container.

    Example:
        Form(tuple, 2).filled(x)  # (x, None)
    """

    kind: type | None = None
    length: int = 1

    @classmethod
    def of(cls, output: Any) -> Form | None:
        """The form of what a layer has returned; None where it is another.

        Args:
            output: of the layer.
        """
        if isinstance(output, Tensor):
            return cls()
        if isinstance(output, tuple | list) and output and isinstance(output[0], Tensor):
            return cls(type(output), len(output))
        return None

    def filled(self, x: Any) -> Any:
        """A tensor in this form; the rest of a container is None.

        Args:
            x: the tensor.
        """
        if self.kind is None:
            return x
        items = [x, *[None] * (self.length - 1)]
        return self.kind(*items) if hasattr(self.kind, "_fields") else self.kind(items)


class Skipped(nn.Module):
    """Takes the place of a layer that is passed over.

    Args:
        layer: whose place it takes, with its `plain_attributes`.
        form: of what that returns.
        zeros: whether it gives zeros in the shape of the first input, and not that input.

    Example:
        Skipped(nn.MultiheadAttention(8, 2), Form(tuple, 2), zeros=True)(q, k, v)  # (0 * q, None)
    """

    def __init__(self, layer: nn.Module, form: Form, *, zeros: bool) -> None:
        super().__init__()
        vars(self).update(plain_attributes(layer))
        self._first, self._form, self._zeros = first_parameter(layer), form, zeros

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The first input, or zeros of its shape, in the form in which the layer returns it."""
        x = args[0] if args else kwargs[self._first]
        return self._form.filled(torch.zeros_like(x) if self._zeros else x)

    def extra_repr(self) -> str:
        return "zeros" if self._zeros else "input"


def first_parameter(layer: nn.Module) -> str:
    """The name of the first input of a layer.

    Args:
        layer: of any class.
    """
    return next(iter(inspect.signature(_called(layer).forward).parameters), "")


def takes_one_input(layer: nn.Module) -> bool:
    """Whether a layer has one input only.

    Args:
        layer: of any class.
    """
    return len(inspect.signature(_called(layer).forward).parameters) == 1


def says_tensor(layer: nn.Module) -> bool:
    """Whether a layer says that it returns a tensor.

    Args:
        layer: of any class.
    """
    said = inspect.signature(_called(layer).forward).return_annotation
    return said in (Tensor, "Tensor", "torch.Tensor")


def _called(layer: nn.Module) -> nn.Module:
    """The first module that is called where a choice is."""
    while isinstance(layer, ChoicePoint) and layer.used_with:
        layer = layer.candidate(0)
    return layer


def plain_attributes(layer: nn.Module) -> dict[str, Any]:
    """What the code around a layer may read of it where it is passed over, by name.

    Args:
        layer: of any class.
    """
    if isinstance(layer, ChoicePoint | torch.jit.ScriptModule):
        return {}
    names = [*vars(layer), *layer._parameters, *layer._buffers, *layer._modules]
    found = {n: plain_attribute(getattr(layer, n)) for n in names if n not in _OF_EVERY_MODULE}
    found |= {name: _draw_nothing for name in _RESETS if hasattr(layer, name)}
    return {name: value for name, value in found.items() if value is not NOTHING}


def _draw_nothing() -> None:
    """What `reset_parameters` of a module around finds in the place of that of the layer."""


def plain_attribute(value: Any) -> Any:
    """What is left of an attribute of a layer that is passed over.

    Args:
        value: of the attribute.

    Returns:
        A number, a name or a truth, and tuples and lists of them, as they are. None for a tensor,
        as PyTorch has it for a bias that is left out. For a module an object with such attributes.
        `NOTHING` for anything else.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple | list) and all(isinstance(item, _PLAIN) for item in value):
        return value
    if isinstance(value, Tensor):
        return None
    return SimpleNamespace(**plain_attributes(value)) if isinstance(value, nn.Module) else NOTHING
