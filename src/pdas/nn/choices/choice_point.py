"""A choice point: a module in a user's network where one variable of the architecture decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import nn

from pdas.nn.choices.recomputation import Calls, in_backward
from pdas.nn.conditions import Conditions
from pdas.space import Categorical, Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

Copy = Callable[[nn.Module], nn.Module]


class ChoicePoint(nn.Module):
    """The base of all choices. Several choice points of the same name are one variable.

    The `Supernet` that runs it tells it its category.

    Args:
        name: of the variable.
        categories: the labels of the variable, K of them.
        candidates: the modules that it decides about.
        used_with: for each candidate whether each category uses it, K booleans.

    Attributes:
        variable: its name and categories.
        used_with: the same as bool arrays `(K,)`.
        category: the index of the one that a call under way has selected, or None.
        path: where a supernet has found it; None if none has.
        calls: those of the supernets that have found it.

    Raises:
        NetworkError: a candidate is no module.
        SpaceError: no variable can have the name or the categories.

    Example:
        class Choice(ChoicePoint): ...  # see `pdas.nn.choices` for all of them
    """

    def __init__(
        self,
        name: str,
        categories: Sequence[Label],
        candidates: Sequence[nn.Module] = (),
        used_with: Sequence[Sequence[bool]] = (),
    ) -> None:
        super().__init__()
        self.variable = Categorical(name, categories)
        self.used_with = tuple(np.array(used, dtype=bool) for used in used_with)
        self.category: int | None = None
        self.path: str | None = None
        self.calls: Calls | None = None
        for number, candidate in enumerate(candidates):
            if not isinstance(candidate, nn.Module):
                refuse(
                    NetworkError,
                    str(self),
                    found=repr(candidate),
                    expected="a torch.nn.Module",
                    remedy="for a plain value use pdas.nn.Value",
                )
            self.add_module(str(number), candidate)

    @property
    def base_category(self) -> int:
        """The category from which a profile begins: one that uses all modules, if there is one."""
        return 0

    @property
    def largest_category(self) -> int:
        """The category of the most modules or the largest number, if there is one."""
        return self.base_category

    @property
    def selected(self) -> int:
        """The index of the category to use now.

        Raises:
            NetworkError: no supernet has selected one, or it is being compiled.
        """
        if torch.compiler.is_compiling():
            from pdas.nn.compilation import refuse_compilation  # imports the compiler

            refuse_compilation(str(self))
        if self.category is not None:
            return self.category
        recomputed = self._recomputed()
        if recomputed is None:
            self._refuse_unselected()
        return recomputed

    @property
    def is_selected(self) -> bool:
        """Whether there is a category to use now: in a call, and where one is recomputed."""
        return self.category is not None or self._recomputed() is not None

    def _recomputed(self) -> int | None:
        """The category of the call that is recomputed in the backward pass, if one is."""
        return None if self.calls is None else self.calls.category(self.variable.name)

    def select(self, category: int | None) -> None:
        """Use a category from now on.

        Args:
            category: its index; with None the choice point may not be used.
        """
        object.__setattr__(self, "category", category)  # `nn.Module`'s own is slow

    def candidate(self, number: int) -> nn.Module:
        """One of the modules that the choice point decides about, to be called.

        Args:
            number: its position among the candidates.
        """
        candidate = self._modules[str(number)]
        assert candidate is not None
        return candidate

    def condition_of(self, child: str) -> Conditions:
        """Under which categories a child module is used.

        Args:
            child: the name by which it is registered.
        """
        # Candidates are registered by their numbers. Other children, as the width of an elastic
        # layer, are always used.
        numbered = child.isdecimal()
        return Conditions({self.variable.name: self.used_with[int(child)]} if numbered else {})

    def outputs(self, *args: Any, **kwargs: Any) -> Iterator[Callable[[], Any]]:
        """What each category gives for an input, as a function that computes it, in order.

        A category may need those before it. Used by profiles, which run every candidate.
        """
        selected = self.selected
        try:
            for index in range(len(self.variable.categories)):
                self.select(index)
                # The class's own: a profile has put another `forward` into this object.
                yield lambda: type(self).forward(self, *args, **kwargs)
        finally:
            self.select(selected)

    def derived(self, copy: Copy) -> nn.Module:
        """The plain module that replaces the choice point in the derived network.

        Args:
            copy: copies a module that stays, with its own choices replaced.
        """
        raise NotImplementedError

    def in_same_mode(self, module: nn.Module) -> nn.Module:
        """Put a new module into training or evaluation mode, as this one is.

        Args:
            module: to be changed in place.

        Returns:
            The same module.
        """
        module.training = self.training
        return module

    def extra_repr(self) -> str:
        return f"{self.variable.name!r}, {list(self.variable.categories)}"

    def __str__(self) -> str:
        where = "" if self.path is None else f" at {self.path}"
        return f"{type(self).__name__} {self.variable.name!r}{where}"

    def _refuse_unselected(self) -> NoReturn:
        """Say why there is no category."""
        if self.path is None:
            refuse(
                NetworkError,
                str(self),
                found="it used outside of a supernet",
                expected="pdas.nn.Supernet(module) with it as an attribute of one of its modules "
                "or in a nn.ModuleList, and no use before that, as in __init__",
            )
        if in_backward():
            refuse(
                NetworkError,
                str(self),
                found="it used in the backward pass of none of the last calls of its supernet",
                expected="what torch.utils.checkpoint runs again for one of these",
                remedy="compute the gradients sooner after the calls",
            )
        refuse(
            NetworkError,
            str(self),
            found="no architecture when it was used",
            expected="to run within a call of its supernet",
            remedy="call net(x, architecture), not the module itself",
        )
