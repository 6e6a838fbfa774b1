"""What every layer with weights of chosen widths has, and the protocol for one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from typing_extensions import Self

from pdas.nn.elastic.ties import Ties
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.widths import (
    ChosenWidth,
    Width,
    pieces_of,
    selected_value,
    widest,
    widest_value,
    width_text,
)
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Elastic(nn.Module):
    """A layer some of whose weights have widths that are choices: the base for one's own.

    A subclass says in `__init__` which weight has which width, uses them in `forward` as tensors,
    and gives its plain form: by `plain`, or by `kind` and `arguments`, which gives it `of` as well.
    Derived networks, costs, ties and the loading of plain weights follow from that.

    During a call, a weight that is read is its selected part, and a width is its selected number.

    Attributes:
        kind: the plain class.
        made_of: the class of the layers that `of` takes; default `kind`.

    Example:
        class Scale(pdas.nn.Elastic):
            def __init__(self, width):
                super().__init__()
                self.width = width  # reads as a number in a call
                self.add_weight("factor", torch.ones(pdas.nn.widest(width)), width)

            def forward(self, x):
                return x * self.factor  # (width,)

            def plain(self):
                return PlainScale(self.width)
    """

    kind: ClassVar[type[nn.Module]]
    made_of: ClassVar[type[nn.Module] | None] = None

    def __init__(self) -> None:
        nn.Module.__init__(self)  # not that of a plain class among the bases
        # Moved along with the module, so that a layer without weights knows device and precision.
        self.register_buffer("_like", torch.empty(0), persistent=False)
        self._buffer_widths: dict[str, tuple[Width, ...]] = {}

    @classmethod
    def of(cls, layer: nn.Module, **chosen: Any) -> Self:
        """A layer with the weights and settings of a plain one, some of whose widths are choices.

        Args:
            layer: of the class `made_of`.
            chosen: arguments of this class in place of those of the layer, as
                `out_channels=width`. The largest width is that of the layer.

        Raises:
            NetworkError: it is another layer or does more than its class, or the widest differs
                from the layer.

        Example:
            width = pdas.nn.Value("width", [16, 32, 64])
            model.conv1 = pdas.nn.Conv2d.of(model.conv1, out_channels=width)
        """
        _check_plain(cls, layer)
        arguments = cls.arguments(layer)
        for name, width in chosen.items():
            _check_widest(f"{cls.__name__}.of: {name}", arguments.get(name), width)
        elastic = cls(**{**arguments, **chosen})
        tensors = chain(layer.parameters(), layer.buffers())
        elastic.to(next(tensors, elastic.get_buffer("_like")))
        elastic.load_state_dict(layer.state_dict())
        for path, part in elastic.named_modules():
            if isinstance(part, ElasticWeight):
                part.requires_grad_(layer.get_parameter(path).requires_grad)
        return elastic.train(layer.training)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        """The arguments of the constructor that makes such a layer.

        Args:
            layer: a plain or an elastic one.
        """
        raise NotImplementedError

    def plain(self) -> nn.Module:
        """A plain layer of the selected widths, with fresh weights.

        Its weights have the names of those here.
        """
        arguments = self.arguments(self)
        return self.kind(**{name: selected_value(value) for name, value in arguments.items()})

    def set_sizes(self, **sizes: Any) -> None:
        """Set attributes that may be widths.

        Args:
            sizes: by name. As `self.name = width`, for names that PyTorch declares as numbers.
        """
        for name, size in sizes.items():
            setattr(self, name, size)

    def add_weight(self, name: str, whole: Tensor | None, *widths: Width) -> None:
        """Register a weight with its widths.

        Args:
            name: by which it is read, and its key in a state dict.
            whole: the initial weight of the widest; None if there is no such weight.
            widths: of its first dimensions.
        """
        if whole is None:
            self.register_parameter(name, None)
        else:
            self.add_module(name, ElasticWeight(whole, *widths))

    def add_buffer(self, name: str, whole: Tensor | None, *widths: Width) -> None:
        """Register a buffer with its widths; it is kept whole.

        Args:
            name: by which it is read, and its key in a state dict.
            whole: the buffer of the widest, or None.
            widths: of its first dimensions.
        """
        self.register_buffer(name, whole)
        self._buffer_widths[name] = widths

    def weights(self) -> Iterator[tuple[str, ElasticWeight]]:
        """The weights by name."""
        for name, child in self._modules.items():
            if isinstance(child, ElasticWeight):
                yield name, child

    def buffers_with_widths(self) -> Iterator[tuple[str, tuple[Width, ...]]]:
        """The names of the buffers that there are, with their widths."""
        for name, widths in self._buffer_widths.items():
            if self._buffers[name] is not None:
                yield name, widths

    def channels_together(self, width: Width) -> int:
        """How many consecutive channels stay together where channels are sorted.

        Args:
            width: of a dimension of its weights.
        """
        return 1

    @torch.no_grad()
    def derived(self, ties: Ties) -> nn.Module:
        """The plain layer of the selected widths, with these weights.

        Args:
            ties: of the network that is derived.
        """
        layer = self.plain().train(self.training).to(self.get_buffer("_like"))
        for name, weight in self.weights():
            fresh = layer.get_parameter(name)
            fresh.copy_(weight.selected())
            blocks = weight.selected_blocks()
            fresh.requires_grad_(any(block.requires_grad for block in blocks))
            owner, _, last = name.rpartition(".")
            setattr(layer.get_submodule(owner), last, ties.parameter(blocks, fresh))
        for name, child in self.named_children():
            if not isinstance(child, ElasticWeight | ChosenWidth):
                layer.add_module(name, ties.copied(child))
        for name, _ in self.buffers_with_widths():
            layer.get_buffer(name).copy_(getattr(self, name))
        return layer

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights afresh, as the widest plain layer does."""
        arguments = self.arguments(self)
        whole = self.kind(**{name: widest_value(value) for name, value in arguments.items()})
        for name, weight in self.weights():
            weight.load(whole.get_parameter(name))

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        try:
            return super().__call__(*inputs, **named)
        except Exception:
            for _, weight in self.weights():
                weight.check_selected()  # otherwise PyTorch says that it is no tensor
            raise

    def extra_repr(self) -> str:
        if not hasattr(self, "kind"):
            return ""
        arguments = self.arguments(self).items()
        return ", ".join(f"{name}={width_text(value)}" for name, value in arguments)

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__["_modules"].get(name) if "_modules" in self.__dict__ else None
        if isinstance(found, ElasticWeight):  # first, and not by `nn.Module`, to be fast
            return found.selected() if found.is_selected else found
        found = super().__getattr__(name)
        if isinstance(found, ChosenWidth):
            return found.value if found.is_selected else found
        if isinstance(found, Tensor) and name in self._buffer_widths:
            return _selected_part(found, self._buffer_widths[name])
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__.get("_modules", {}).get(name)
        if isinstance(own, ElasticWeight) and value is not None:
            value = own.tied(value, f"{type(self).__name__}.{name}")
        super().__setattr__(name, value)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Tensor],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        unexpected: list[str] = []
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected, error_msgs
        )
        assign = bool(local_metadata.get("assign_to_params_buffers", False))
        for name, weight in self.weights():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
            elif state_dict[key].shape != weight.whole().shape:
                found, expected = tuple(state_dict[key].shape), tuple(weight.whole().shape)
                error_msgs.append(f"size mismatch for {key}: found {found}, expected {expected}")
            else:
                weight.load(state_dict[key], assign=assign)
                if assign:
                    self.register_buffer("_like", state_dict[key].new_empty(0), persistent=False)
        own = {prefix + name for name, _ in self.weights()}
        unexpected_keys += [key for key in unexpected if key not in own]


def _check_plain(elastic: type[Elastic], layer: nn.Module) -> None:
    """Raise `NetworkError` unless a layer does what its plain class does, and no more."""
    kind, found = elastic.made_of or elastic.kind, type(layer).__name__
    if not isinstance(layer, kind) or isinstance(layer, Elastic):
        remedy = ""
    elif type(layer).forward is not kind.forward:
        found += ", which has a forward of its own"
        remedy = "use pdas.nn.with_widths, or a class of your own based on pdas.nn.Elastic"
    elif layer._forward_hooks or layer._forward_pre_hooks or is_parametrized(layer):
        found += " with hooks or parametrizations, which would be lost"
        remedy = "take them off before, as by torch.nn.utils.parametrize.remove_parametrizations"
    else:
        return
    expected = f"a plain {kind.__name__}"
    refuse(NetworkError, f"{elastic.__name__}.of", found=found, expected=expected, remedy=remedy)


def _check_widest(setting: str, expected: Any, width: Any) -> None:
    """Raise `NetworkError` unless the widest is as wide as the layer."""
    if isinstance(width, ChosenWidth) and isinstance(expected, int) and widest(width) != expected:
        refuse(
            NetworkError,
            setting,
            found=f"at most {widest(width)}",
            expected=f"{expected} as the largest, the width of the layer",
            remedy="add it to the values of the choice",
        )


def _selected_part(whole: Tensor, widths: tuple[Width, ...]) -> Tensor:
    """The part of a tensor that the selected widths use; all of it where none is selected."""
    for dim, width in enumerate(widths):
        if isinstance(width, ChosenWidth) and width.is_selected:
            ranges = [(p.start, p.stop) for p in pieces_of(width) if p.is_used]
            parts = [whole.narrow(dim, start, stop - start) for start, stop in ranges]
            whole = parts[0] if len(parts) == 1 else torch.cat(parts, dim)
    return whole
