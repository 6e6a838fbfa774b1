"""Computing what several architectures have in common only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from torch import Tensor

from pdas.support.containers import Versions
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Memo:
    """Calls a function once for each distinct (function, inputs).

    Tensors are told apart by identity, other inputs by value. A function may not change a tensor in
    place, since other functions read it too.

    Raises:
        NetworkError: when called, if the function did.

    Example:
        memo = Memo()
        memo(torch.neg, x) is memo(torch.neg, x)  # True
    """

    def __init__(self) -> None:
        # The inputs are kept beside the result, so that no id is used again within their life.
        self._results: dict[tuple[object, ...], tuple[tuple[object, ...], Tensor]] = {}

    def __call__(self, function: Callable[..., Tensor], *inputs: object) -> Tensor:
        key = (function, *(id(x) if isinstance(x, Tensor) else x for x in inputs))
        if key not in self._results:
            versions = Versions()
            for x in inputs:
                if isinstance(x, Tensor):
                    versions.keep(x, "input")
            self._results[key] = (inputs, function(*inputs))
            if versions.changed():
                _refuse_in_place(function)
        return self._results[key][1]


def _refuse_in_place(function: Callable[..., Tensor]) -> NoReturn:
    refuse(
        NetworkError,
        getattr(function, "__name__", type(function).__name__),
        found="its input changed in place",
        expected="inputs that stay as they are, since other operations and architectures read them",
        remedy="leave out inplace=True and methods as x.mul_()",
    )
