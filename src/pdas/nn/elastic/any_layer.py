"""Layers of any class whose widths are choices, as those of other libraries."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.following import group_size
from pdas.nn.widths import ChosenWidth, Width, widest, widest_value
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


def with_widths(
    layer: nn.Module,
    tensors: Mapping[str, Sequence[Width]],
    sizes: Mapping[str, Any] | None = None,
) -> Elastic:
    """A layer of any class with the weights of a trained one, and widths that are choices.

    It has the class's own `forward`, which during a call finds its weights cut and its sizes as
    numbers. For layers that `pdas.nn` has, `of` says the same in fewer words.

    Args:
        layer: whose own weights and buffers are cut; the modules inside of it are the same
            afterwards.
        tensors: the widths of the first dimensions of each weight and buffer that is cut, by name.
        sizes: attributes that the forward reads, by name, as widths.

    Returns:
        A layer of a subclass of the layer's class; a plain one of that class is derived of it.

    Raises:
        NetworkError: a name is none of the layer, or a tensor has another size than the widest.

    Example:
        width = pdas.nn.Value("width", [256, 512])
        norm = model.norm  # a norm of another library
        model.norm = pdas.nn.with_widths(norm, {"weight": [width]})
    """
    for name, widths in tensors.items():
        _check_tensor(layer, name, widths)
    for name, width in (sizes or {}).items():
        _check_size(layer, name, width)
    kind = _elastic(type(layer))
    elastic: AnyLayer = kind.__new__(kind)
    Elastic.__init__(elastic)
    elastic.to(next((t for t in layer.parameters()), torch.empty(0)))
    for name, value in vars(layer).items():
        if name not in vars(elastic):
            elastic.__dict__[name] = copy.deepcopy(value)
    for name, weight in layer._parameters.items():
        elastic.add_weight(name, weight, *tensors.get(name, ()))
    for name, buffer in layer._buffers.items():
        whole = None if buffer is None else buffer.clone()
        elastic.add_buffer(name, whole, *tensors.get(name, ()))
    for name, child in layer._modules.items():
        elastic.add_module(name, child)
    for name, width in (sizes or {}).items():
        elastic.__dict__.pop(name, None)
        setattr(elastic, name, width)
    return elastic.train(layer.training)


class AnyLayer(Elastic):
    """What the layers of `with_widths` have; each is of another class as well.

    Example:
        isinstance(with_widths(norm, {"weight": [width]}), AnyLayer)
    """

    def plain(self) -> nn.Module:
        """A layer of the plain class, whose weights are still to be drawn."""
        layer = self.kind.__new__(self.kind)
        nn.Module.__init__(layer)
        hidden = {"_like", "_buffer_widths", *vars(layer)}
        for name, value in vars(self).items():
            if name not in hidden:
                layer.__dict__[name] = copy.deepcopy(value)
        for name, parameter in self._parameters.items():
            layer.register_parameter(name, parameter)  # None: others are elastic
        for name, child in self._modules.items():
            value = getattr(self, name)
            if isinstance(child, ChosenWidth):
                layer.__dict__[name] = value
            elif isinstance(value, Tensor):
                layer.register_parameter(name, nn.Parameter(value.detach().clone()))
        for name, _ in self.buffers_with_widths():
            layer.register_buffer(name, getattr(self, name).clone())
        return layer

    def channels_together(self, width: Width) -> int:
        """Those of a group, where its class is a convolution or a norm of groups."""
        return group_size(width, getattr(self, "groups", getattr(self, "num_groups", 1)))

    def reset_parameters(self) -> None:
        """As its class does it, of the widest."""
        refuse(
            NetworkError,
            type(self).__name__,
            found="reset_parameters() of a layer that was made of a trained one",
            expected="its weights kept",
            remedy="draw those of the derived network",
        )

    def extra_repr(self) -> str:
        return ""

    def __reduce_ex__(self, protocol: Any) -> Any:
        # The class is made while the program runs, so that pickle must be told how.
        return _empty, (self.kind,), vars(self)


def _elastic(kind: type[nn.Module]) -> type[AnyLayer]:
    """The class of elastic layers of a plain class."""
    return type(f"Elastic{kind.__name__}", (AnyLayer, kind), {"kind": kind, "__module__": __name__})


def _empty(kind: type[nn.Module]) -> AnyLayer:
    """A layer of that class, before it has anything."""
    elastic = _elastic(kind)
    return elastic.__new__(elastic)


def _check_tensor(layer: nn.Module, name: str, widths: Sequence[Width]) -> None:
    """Raise `NetworkError` unless a layer has such a tensor of the widest."""
    own = {**layer._parameters, **layer._buffers}
    shape = None if own.get(name) is None else tuple(own[name].shape)  # type: ignore[union-attr]
    expected = tuple(map(widest, widths))
    if shape is None or shape[: len(expected)] != expected:
        refuse(
            NetworkError,
            f"with_widths: {name}",
            found=f"{'no such tensor' if shape is None else shape} in {type(layer).__name__}",
            expected=f"{expected} as its first dimensions, those of the widest",
            remedy="give widths for the names and shapes of layer.state_dict()",
        )


def _check_size(layer: nn.Module, name: str, width: Any) -> None:
    """Raise `NetworkError` unless a layer has such a number, that of the widest."""
    found = getattr(layer, name, None)
    expected = widest_value(width)
    if found != expected:
        refuse(
            NetworkError,
            f"with_widths: {name}",
            found=f"{found!r} in {type(layer).__name__}",
            expected=f"{expected}, that of the widest",
            remedy="give an attribute of the layer, and the width that it is",
        )
