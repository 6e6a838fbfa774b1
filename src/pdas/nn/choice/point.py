"""A choice point: a place in a user's module where one variable of the architecture decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pdas.errors import NetworkError
from pdas.space import Label, Variable

Mask = npt.NDArray[np.bool_]
Copy = Callable[[nn.Module], nn.Module]


class Point(nn.Module):
    """One place of a variable; several with the same name are one variable.

    It is told its category by the `Supernet` that runs it. Raises `SpaceError` for a name or
    categories that no variable can have.

    Attributes:
        variable: its name and categories.
        options: the modules that it decides about, if any.
        masks: for each of these the categories that use it, bool `(K,)`.
        category: the one that is selected now, or None.
    """

    def __init__(
        self,
        name: str,
        categories: Sequence[Label],
        options: Sequence[nn.Module] = (),
        masks: Sequence[Sequence[bool]] = (),
    ) -> None:
        super().__init__()
        self.variable = Variable(name, categories)
        self.masks: dict[str, Mask] = {}
        for number, (option, mask) in enumerate(zip(options, masks, strict=True)):
            if not isinstance(option, nn.Module):
                raise NetworkError(
                    f"{self}: found {option!r}, expected a torch.nn.Module; for a plain value use "
                    "pdas.nn.Value"
                )
            self.add_module(str(number), option)
            self.masks[str(number)] = np.array(mask, dtype=bool)
        self.category: int | None = None

    @property
    def selected(self) -> int:
        """The category to use now. Raises `NetworkError` outside of a supernet's call."""
        if torch.compiler.is_compiling():
            refuse_compilation(str(self))
        if self.category is None:
            raise self._not_selected()
        return self.category

    def select(self, category: int | None) -> None:
        """Use this category from now on; None: the point may not be used."""
        object.__setattr__(self, "category", category)  # `nn.Module`'s own is slow

    def option(self, number: int) -> nn.Module:
        """One of the modules that the point decides about."""
        option = self._modules[str(number)]
        assert option is not None
        return option

    def outputs(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Label, Callable[[], Any]]]:
        """What each category gives for an input, as a function that computes it, in order.

        A category may need those before it. The default is for points without modules.
        """
        selected = self.selected
        try:
            for index, label in enumerate(self.variable.categories):
                self.select(index)
                yield label, lambda: type(self).forward(self, *args, **kwargs)
        finally:
            self.select(selected)

    def derived(self, copy: Copy) -> nn.Module:
        """The plain module that takes this place in the network of the selected category."""
        raise NotImplementedError

    def in_place(self, module: nn.Module) -> nn.Module:
        """A new module that takes this place: in the same mode."""
        module.training = self.training
        return module

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.variable.name!r})"

    __str__ = __repr__

    def _not_selected(self) -> NetworkError:
        return NetworkError(
            f"{self}: found no architecture when it was used, expected to run within a call of "
            "pdas.nn.Supernet(module); register it as an attribute of its module or in a "
            "nn.ModuleList, call the supernet, and leave out torch.utils.checkpoint, which would "
            "run it again after that call"
        )


@torch.compiler.disable  # type: ignore[untyped-decorator]  # so that it runs, and is not traced
def refuse_compilation(what: str) -> None:
    """Raise `NetworkError`: a network with choices would be compiled anew for each architecture."""
    raise NetworkError(
        f"{what}: found it under torch.compile or torch.export, expected a plain module, since "
        "every architecture would be compiled anew; compile net.derive(architecture) instead"
    )
