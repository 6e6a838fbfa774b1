"""A choice point: a place in a user's module where one variable of the architecture decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.nn.conditions import Conditions
from pdas.space import Categorical, Label
from pdas.support.errors import NetworkError

Copy = Callable[[nn.Module], nn.Module]


class Point(nn.Module):
    """One place of a variable; several with the same name are one variable.

    It is told its category by the `Supernet` that runs it. Raises `SpaceError` for a name or
    categories that no variable can have.

    Attributes:
        variable: its name and categories.
        masks: for each of its candidates, the modules that it decides about, the categories that
            use it, bool `(K,)`.
        category: the one that is selected now, or None.
        path: where a supernet has found it; None if none has.
    """

    def __init__(
        self,
        name: str,
        categories: Sequence[Label],
        candidates: Sequence[nn.Module] = (),
        masks: Sequence[Sequence[bool]] = (),
    ) -> None:
        super().__init__()
        self.variable = Categorical(name, categories)
        self.masks = tuple(np.array(mask, dtype=bool) for mask in masks)
        self.category: int | None = None
        self.path: str | None = None
        for number, candidate in enumerate(candidates):
            if not isinstance(candidate, nn.Module):
                raise NetworkError(
                    f"{self}: found {candidate!r}, expected a torch.nn.Module; for a plain value "
                    "use pdas.nn.Value"
                )
            self.add_module(str(number), candidate)

    @property
    def usual(self) -> int:
        """The category to begin a survey with, which uses all modules where one does."""
        return 0

    @property
    def selected(self) -> int:
        """The category to use now. Raises `NetworkError` outside of a supernet's call."""
        if torch.compiler.is_compiling():
            from pdas.nn.compilation import refuse  # imports the compiler

            refuse(str(self))
        if self.category is None:
            raise self._not_selected()
        return self.category

    def select(self, category: int | None) -> None:
        """Use this category from now on; None: the point may not be used."""
        object.__setattr__(self, "category", category)  # `nn.Module`'s own is slow

    def candidate(self, number: int) -> nn.Module:
        """One of the modules that the point decides about, to be called."""
        candidate = self._modules[str(number)]
        assert candidate is not None
        return candidate

    def condition_of(self, child: str) -> Conditions:
        """Where a module with this name inside is used."""
        numbered = child.isdecimal()
        return Conditions({self.variable.name: self.masks[int(child)]} if numbered else {})

    def outputs(self, *args: Any, **kwargs: Any) -> Iterator[Callable[[], Any]]:
        """What each category gives for an input, as a function that computes it, in order.

        A category may need those before it. The default is for points without modules.
        """
        selected = self.selected
        try:
            for index in range(len(self.variable.categories)):
                self.select(index)
                yield lambda: type(self).forward(self, *args, **kwargs)
        finally:
            self.select(selected)

    def derived(self, copy: Copy) -> nn.Module:
        """The plain module that takes this place in the network of the selected category."""
        raise NotImplementedError

    def in_its_mode(self, module: nn.Module) -> nn.Module:
        """A new module, in training or evaluation mode as this one."""
        module.training = self.training
        return module

    def extra_repr(self) -> str:
        return f"{self.variable.name!r}, {list(self.variable.categories)}"

    def __str__(self) -> str:
        where = "" if self.path is None else f" at {self.path}"
        return f"{type(self).__name__} {self.variable.name!r}{where}"

    def _not_selected(self) -> NetworkError:
        if self.path is None:
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
