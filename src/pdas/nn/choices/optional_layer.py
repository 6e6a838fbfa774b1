"""A choice of whether a layer is used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pdas.nn.choices.attributes import PassesAttributes
from pdas.nn.choices.choice_point import Copy
from pdas.nn.choices.plain_keys import use_plain_keys
from pdas.nn.choices.skipped import (
    NOTHING,
    Form,
    Skipped,
    first_parameter,
    plain_attribute,
    plain_attributes,
    says_tensor,
    takes_one_input,
)
from pdas.nn.modes import evaluating
from pdas.support.errors import NetworkError
from pdas.support.refusals import check_one_of, refuse

Otherwise = Literal["input", "zeros"] | nn.Module


class OptionalLayer(PassesAttributes):
    """A layer that is used or passed over, with the categories True and False.

    It is called as the layer is. Where that returns a tuple, what stands for it is a tuple of the
    same length, and all but the first item of it are None. It has the attributes of the layer, and
    its keys in a state dict.

    Args:
        name: of the variable.
        layer: a module that stood here.
        otherwise: what stands for the output of the layer where it is passed over: its first
            "input", "zeros" in the shape of that, as in a sum with a residual, or what another
            module gives, which is called in the same way.

    Raises:
        NetworkError: the layer is no module.
        SettingError: `otherwise` is none of these.

    Example:
        self.extra = pdas.nn.OptionalLayer("extra", nn.Conv2d(16, 16, 3, padding=1))
        block.attention = pdas.nn.OptionalLayer("attention", block.attention, otherwise="zeros")
    """

    def __init__(self, name: str, layer: nn.Module, otherwise: Otherwise = "input") -> None:
        other = [otherwise] if isinstance(otherwise, nn.Module) else []
        if not other:
            check_one_of("otherwise", otherwise, ("input", "zeros"), "or give a module")
        used_with = [(True, False), (False, True)][: 1 + len(other)]
        super().__init__(name, (True, False), [layer, *other], used_with)
        self._zeros = otherwise == "zeros" if not other else None
        self._first = first_parameter(layer)
        # Of what the layer returns; None while it has neither said that nor run.
        self._form = Form() if says_tensor(layer) else None
        use_plain_keys(self, {"0.": "", "1.": "otherwise."})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the layer, or what stands for it.

        Raises:
            NetworkError: there is no input, or the layer returns something else than a tensor or a
                tuple that begins with one, and no module stands for it.
        """
        if self.selected == 0:
            output = self.candidate(0)(*args, **kwargs)
            if self._form is None or not isinstance(output, Tensor):
                self._form = Form.of(output)
            return output
        if self._zeros is None:
            return self.candidate(1)(*args, **kwargs)
        x = self._first_input(args, kwargs)
        form = self._form or self._found_form(args, kwargs)
        return form.filled(torch.zeros_like(x) if self._zeros else x)

    def derived(self, copy: Copy) -> nn.Module:
        """A copy of the layer, or what stands for it: `nn.Identity`, `Skipped`, or the module."""
        if self.selected == 0:
            return copy(self.candidate(0))
        if self._zeros is None:
            return copy(self.candidate(1))
        layer = self.candidate(0)
        if self._form is None and not takes_one_input(layer):
            refuse(
                NetworkError,
                f"derive: {self}",
                found="that it has not run yet, so that it is unknown what its layer returns",
                expected="a call before",
                remedy="call net.check(x)",
            )
        form = self._form or Form()
        if takes_one_input(layer) and not self._zeros and form.kind is None:
            identity = nn.Identity()
            vars(identity).update(plain_attributes(layer))
            return self.in_same_mode(identity)
        return self.in_same_mode(Skipped(layer, form, zeros=self._zeros))

    def passed_on(self, name: str) -> Any:
        """Of the layer; where that is passed over, of what stands for it.

        Args:
            name: of the attribute.

        Raises:
            AttributeError: there is none.
        """
        layer = self.candidate(0)
        if not self.is_selected or self.selected == 0:
            return getattr(layer, name)
        if self._zeros is None:
            return getattr(self.candidate(1), name)
        value = plain_attribute(getattr(layer, name))
        if value is NOTHING:
            raise self.no_attribute(name, "its layer passed over")
        return value

    def _first_input(self, args: Any, kwargs: Any) -> Any:
        """What stands for the output, before it is brought into its form."""
        if args or self._first in kwargs:
            return args[0] if args else kwargs[self._first]
        refuse(
            NetworkError,
            str(self),
            found=f"it called without {self._first!r}",
            expected="that input, which stands for the output of the layer",
            remedy="pass it, or give otherwise=module",
        )

    def _found_form(self, args: Any, kwargs: Any) -> Form:
        """The form of what the layer returns, by one run of it."""
        layer = self.candidate(0)
        with evaluating(layer):
            output = layer(*args, **kwargs)
        self._form = Form.of(output)
        if self._form is None:
            refuse(
                NetworkError,
                str(self),
                found=f"that its layer returns a {type(output).__name__}",
                expected="a tensor, or a tuple that begins with one",
                remedy="say what stands for it, otherwise=module",
            )
        return self._form


def optional(
    layers: Iterable[nn.Module], name: str = "layer", otherwise: Otherwise = "input"
) -> nn.ModuleList | nn.Sequential:
    """An `OptionalLayer` for each of several layers.

    Args:
        layers: as of `nn.ModuleList` or `nn.Sequential`.
        name: of the variables, before their numbers. Give each stack a name of its own.
        otherwise: as of `OptionalLayer`.

    Returns:
        `nn.Sequential` in place of one, else `nn.ModuleList`, with the keys of the layers.

    Raises:
        NetworkError: a layer is no module.

    Example:
        model.model.layers = pdas.nn.optional(model.model.layers)  # layer0, layer1, ...
    """
    choices = [OptionalLayer(f"{name}{i}", layer, otherwise) for i, layer in enumerate(layers)]
    if not isinstance(layers, nn.Sequential):
        return nn.ModuleList(choices)
    return nn.Sequential(OrderedDict(zip(layers._modules, choices, strict=True)))
