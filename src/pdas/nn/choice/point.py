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
        registered: whether a supernet has found it.
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
        self.registered = False

    @property
    def usual(self) -> int:
        """The category to begin a survey with, which uses all modules where one does."""
        return 0

    @property
    def selected(self) -> int:
        """The category to use now. Raises `NetworkError` outside of a supernet's call."""
        if torch.compiler.is_compiling():
            from pdas.nn.choice.compilation import refuse  # imports the compiler

            refuse(str(self))
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

    def extra_repr(self) -> str:
        return f"{self.variable.name!r}, {list(self.variable.categories)}"

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.variable.name!r})"

    def _not_selected(self) -> NetworkError:
        if not self.registered:
            return NetworkError(
                f"{self}: found it used outside of a supernet, expected pdas.nn.Supernet(module) "
                "with it as an attribute of one of its modules or in a nn.ModuleList, and no use "
                "before that, as in __init__"
            )
        return NetworkError(
            f"{self}: found no architecture when it was used, expected to run within a call of its "
            "supernet; call net(x, architecture), not the module itself, and leave out "
            "torch.utils.checkpoint, which would run it again after that call"
        )
