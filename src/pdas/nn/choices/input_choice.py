"""A choice among tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

from torch import Tensor, nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.space import Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

MOST = 1000  # categories of a choice of several inputs


class InputChoice(ChoicePoint):
    """Which of several tensors is read.

    Args:
        name: of the variable.
        inputs: how many tensors there are, or a name for each.
        choose: None: one of them, as a tensor; a number: so many of them, as a list in their order,
            with categories as "0+2".

    Raises:
        NetworkError: `inputs` or `choose` is out of range, or there are too many categories.

    Example:
        self.source = pdas.nn.InputChoice("source", 3)
        x = self.source([a, b, c])
    """

    def __init__(self, name: str, inputs: int | Sequence[str], choose: int | None = None) -> None:
        if not (type(inputs) is int or isinstance(inputs, list | tuple)):
            refuse(
                NetworkError,
                f"InputChoice({name!r})",
                found=repr(inputs),
                expected="how many tensors there are, or a list of names",
            )
        names: Sequence[Label] = range(inputs) if isinstance(inputs, int) else list(inputs)
        if choose is not None:
            _check_choose(name, choose, len(names))
        sets = list(combinations(range(len(names)), 1 if choose is None else choose))
        labels = [
            names[chosen[0]] if choose is None else "+".join(str(names[i]) for i in chosen)
            for chosen in sets
        ]
        super().__init__(name, labels)
        self._count = len(names)
        self._sets = sets
        self._alone = choose is None

    def forward(self, inputs: Sequence[Tensor]) -> Any:
        """The selected tensor, or the list of the selected ones.

        Args:
            inputs: all tensors, as a list or a tuple.

        Raises:
            NetworkError: there are more or fewer tensors than the choice has inputs.
        """
        if not isinstance(inputs, list | tuple) or len(inputs) != self._count:
            found = f"{type(inputs).__name__} of {len(inputs)}"
            expected = f"a list of {self._count} tensors"
            refuse(NetworkError, str(self), found=found, expected=expected)
        chosen = self._sets[self.selected]
        return inputs[chosen[0]] if self._alone else [inputs[i] for i in chosen]

    def derived(self, copy: Copy) -> nn.Module:
        """`PickOne` or `PickSome`."""
        chosen = self._sets[self.selected]
        return self.in_same_mode(PickOne(chosen[0]) if self._alone else PickSome(list(chosen)))


def _check_choose(name: str, choose: int, inputs: int) -> None:
    """Raise `NetworkError` unless so many of the inputs can be chosen."""
    setting = f"InputChoice({name!r})"
    if type(choose) is not int or not 1 <= choose <= inputs:
        found, expected = f"choose = {choose!r}", f"1 to {inputs}, the number of inputs"
        refuse(NetworkError, setting, found=found, expected=expected)
    if comb(inputs, choose) > MOST:
        refuse(
            NetworkError,
            setting,
            found=f"{comb(inputs, choose):,} ways to choose {choose} of {inputs}",
            expected=f"at most {MOST:,}",
            remedy="use several choices",
        )


class PickOne(nn.Module):
    """What stands for an `InputChoice` of one tensor in a derived network.

    Args:
        index: of the tensor.

    Example:
        PickOne(1)([a, b, c])  # b
    """

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """The tensor with the index."""
        return inputs[self.index]


class PickSome(nn.Module):
    """What stands for an `InputChoice` of several tensors in a derived network.

    Args:
        indices: of the tensors.

    Example:
        PickSome([0, 2])([a, b, c])  # [a, c]
    """

    def __init__(self, indices: list[int]) -> None:
        super().__init__()
        self.indices = indices

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        """The tensors with the indices, in order."""
        return [inputs[i] for i in self.indices]
