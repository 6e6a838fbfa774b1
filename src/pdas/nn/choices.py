"""Choices among modules, of whether and how often they run, and among tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from math import comb
from typing import Any

from torch import Tensor, nn

from pdas.nn.choice_point import ChoicePoint, Copy
from pdas.space import Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Choice(ChoicePoint):
    """One of several modules.

    It is called as each of them is. Candidates may hold choices of their own, whose variables count
    only where the candidate is taken.

    Args:
        name: of the variable.
        candidates: the modules by label.

    Raises:
        NetworkError: a candidate is no module.
        SpaceError: the name or a label is none that a variable can have.

    Example:
        self.act = pdas.nn.Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    """

    def __init__(self, name: str, candidates: Mapping[Label, nn.Module]) -> None:
        if not isinstance(candidates, Mapping):
            refuse(
                NetworkError,
                f"Choice({name!r})",
                found=type(candidates).__name__,
                expected="candidates by label, as {'relu': nn.ReLU(), 'tanh': nn.Tanh()}",
            )
        count = len(candidates)
        one_hot = [[i == j for j in range(count)] for i in range(count)]
        super().__init__(name, list(candidates), list(candidates.values()), one_hot)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the selected candidate, which gets all arguments."""
        return self.candidate(self.selected)(*args, **kwargs)

    def derived(self, copy: Copy) -> nn.Module:
        """A copy of the selected candidate."""
        return copy(self.candidate(self.selected))


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


class Repeat(ChoicePoint):
    """The first n of a stack of blocks, one after the other.

    Blocks that take more than one tensor are called by a loop over it, which runs over the first n.

    Args:
        name: of the variable.
        blocks: modules of one tensor; each reads the output of the one before.
        counts: what n may be, from 0 to the number of blocks; default 1 to that number.

    Raises:
        NetworkError: a block is no module, or a count is out of range.

    Example:
        self.layers = pdas.nn.Repeat("depth", [Block() for _ in range(4)], [2, 4])
        x = self.layers(x)
        for block in self.layers:  # instead, where blocks take more than one tensor
            x = block(x, mask)
    """

    def __init__(
        self, name: str, blocks: Sequence[nn.Module], counts: Sequence[int] | None = None
    ) -> None:
        if not isinstance(blocks, Iterable):
            found, expected = type(blocks).__name__, "a list of modules"
            refuse(NetworkError, f"Repeat({name!r})", found=found, expected=expected)
        blocks = list(blocks)
        counts = list(range(1, len(blocks) + 1)) if counts is None else list(counts)
        _check_counts(name, counts, len(blocks))
        used_with = [[count > number for count in counts] for number in range(len(blocks))]
        super().__init__(name, counts, blocks, used_with)
        self._counts = tuple(counts)

    def forward(self, x: Any) -> Any:
        """The output of the last block that runs.

        Args:
            x: the input of the first block.
        """
        for block in self:
            x = block(x)
        return x

    def __iter__(self) -> Iterator[nn.Module]:
        """The blocks that run."""
        return map(self.candidate, range(self._counts[self.selected]))

    def outputs(self, *args: Any, **kwargs: Any) -> Iterator[Callable[[], Any]]:
        """As for every choice point; each block runs once, whatever the order of the counts."""
        (x,) = args
        results = {0: x}

        def after(count: int) -> Any:
            if count not in results:
                results[count] = self.candidate(count - 1)(after(count - 1))
            return results[count]

        for count in self._counts:
            yield partial(after, count)

    @property
    def base_category(self) -> int:
        """The category of the most blocks."""
        return self._counts.index(max(self._counts))

    def derived(self, copy: Copy) -> nn.Module:
        """`nn.Sequential` of copies of the blocks that run."""
        count = self._counts[self.selected]
        blocks = (copy(self.candidate(number)) for number in range(count))
        return self.in_same_mode(nn.Sequential(*blocks))


def _check_counts(name: str, counts: Sequence[int], blocks: int) -> None:
    """Raise `NetworkError` unless each count is from 0 to the number of blocks."""
    for count in counts:
        if type(count) is not int or not 0 <= count <= blocks:
            refuse(
                NetworkError,
                f"Repeat({name!r})",
                found=f"the count {count!r}",
                expected=f"0 to {blocks}, the number of blocks",
                remedy="drop it, or add blocks",
            )


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
