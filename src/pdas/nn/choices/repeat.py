"""A choice of how many blocks of a stack run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


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
