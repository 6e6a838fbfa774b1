"""A choice of whether a layer is used."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class OptionalLayer(ChoicePoint):
    """A layer that is used or passed over, with the categories True and False.

    Args:
        name: of the variable.
        layer: a module of one tensor that gives one of the same shape.

    Raises:
        NetworkError: the layer is no module.

    Example:
        self.extra = pdas.nn.OptionalLayer("extra", nn.Conv2d(16, 16, 3, padding=1))
    """

    def __init__(self, name: str, layer: nn.Module) -> None:
        super().__init__(name, (True, False), [layer], [(True, False)])

    def forward(self, x: Any, *others: Any, **named: Any) -> Any:
        """The output of the layer, or its input where the layer is passed over.

        Args:
            x: one tensor.

        Raises:
            NetworkError: there are more inputs.
        """
        if others or named:
            refuse(
                NetworkError,
                str(self),
                found=f"{1 + len(others) + len(named)} inputs",
                expected="one tensor",
                remedy="for more use a Choice, whose other candidate returns the first",
            )
        return self.candidate(0)(x) if self.selected == 0 else x

    def derived(self, copy: Copy) -> nn.Module:
        """A copy of the layer, or `nn.Identity`."""
        return copy(self.candidate(0)) if self.selected == 0 else self.in_same_mode(nn.Identity())
