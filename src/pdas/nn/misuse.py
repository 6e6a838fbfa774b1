"""What a choice says where a plain number is expected: which layer it is, and what to use."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, NoReturn

from torch import nn
from torch.utils._pytree import tree_leaves

from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class NoNumber:
    """An object that refuses to be taken for the number that it stands for.

    `nn.Linear(3, width)` and `if width == 8` would else fail with a sentence of PyTorch's that does
    not know what a choice is, or do something wrong without one.

    Example:
        class Value(NoNumber): ...
    """

    def _refuse(self, *others: object) -> NoReturn:
        """Say where it is taken for a number, and what to do."""
        layer = _layer_around()
        if layer is None:
            refuse(
                NetworkError,
                str(self),
                found="it compared or computed with itself",
                expected="its value",
                remedy="read `.value`",
            )
        import pdas.nn  # which has this one

        own = hasattr(pdas.nn, layer) and issubclass(getattr(pdas.nn, layer), nn.Module)
        refuse(
            NetworkError,
            f"nn.{layer}",
            found=f"{self} as an argument",
            expected="a plain number",
            remedy=f"use pdas.nn.{layer}, which takes choices"
            if own
            else "read `.value` in a forward of your own, or choose among layers by pdas.nn.Choice",
        )

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> NoReturn:
        """PyTorch calls it for one among the arguments of its functions, as sizes."""
        leaves = tree_leaves((args, kwargs))
        next(leaf for leaf in leaves if isinstance(leaf, NoNumber))._refuse()

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """Its class. Recurrent layers ask by `isinstance` for whole numbers, which reads this."""
        if sys._getframe(1).f_globals.get("__name__") == "torch.nn.modules.rnn":
            self._refuse()
        return type(self)

    __index__ = __int__ = __float__ = __bool__ = __iter__ = __len__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __sub__ = __rsub__ = __neg__ = __abs__ = __pow__ = __rpow__ = _refuse
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = _refuse


def _layer_around() -> str | None:
    """The class of PyTorch that is being made or called with it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module, layer = str(frame.f_globals.get("__name__")), frame.f_locals.get("self")
        if module.startswith("torch.nn.modules.") and isinstance(layer, nn.Module):
            return _own_class(layer)
        if not module.startswith(("torch.", "pdas.nn.misuse")):
            return None  # it is the user's code that has used it
        frame = frame.f_back
    return None


def _own_class(layer: nn.Module) -> str | None:
    """The class of PyTorch that a layer is of; None of a container or a class of the user's."""
    kind = type(layer)
    within = kind.__module__.startswith("torch.nn.modules.")
    return kind.__name__ if within and kind.__module__ != "torch.nn.modules.container" else None
