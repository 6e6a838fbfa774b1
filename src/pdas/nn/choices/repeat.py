"""A choice of how many blocks of a stack run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, overload

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.nn.choices.plain_keys import use_plain_keys
from pdas.nn.choices.recomputation import in_backward
from pdas.support.errors import NetworkError
from pdas.support.refusals import check_one_of, refuse


class Repeat(ChoicePoint):
    """Some blocks of a stack, one after the other: the first n, or n that are spread over it.

    It takes the place of `nn.Sequential`, if it is called, or of `nn.ModuleList`: its length, its
    items, slices and a loop are of the blocks that run. So blocks that take more than one tensor
    are called in a loop. Outside of a call of the supernet it has all blocks.

    Args:
        name: of the variable.
        blocks: modules, each of which reads the output of the one before.
        counts: what n may be, from 0 to the number of blocks; default 1 to that number.
        keep: which n are kept, the "first", or "spread": the first, the last, and between them the
            others at equal distances.

    Raises:
        NetworkError: a block is no module, or a count is out of range.
        SettingError: `keep` is none of the two.

    Example:
        self.layers = pdas.nn.Repeat("depth", [Block() for _ in range(4)], [2, 4])
        x = self.layers(x)
        for block in self.layers:  # instead, where blocks take more than one tensor
            x = block(x, mask)
    """

    def __init__(
        self,
        name: str,
        blocks: Iterable[nn.Module],
        counts: Sequence[int] | None = None,
        keep: Literal["first", "spread"] = "first",
    ) -> None:
        if not isinstance(blocks, Iterable):
            found, expected = type(blocks).__name__, "a list of modules"
            refuse(NetworkError, f"Repeat({name!r})", found=found, expected=expected)
        check_one_of("keep", keep, ("first", "spread"))
        names = list(blocks._modules) if isinstance(blocks, nn.Module) else None
        blocks = list(blocks)
        counts = list(range(1, len(blocks) + 1)) if counts is None else list(counts)
        _check_counts(name, counts, len(blocks))
        all_kept = tuple(_kept(keep, count, len(blocks)) for count in counts)
        used_with = [[number in kept for kept in all_kept] for number in range(len(blocks))]
        super().__init__(name, counts, blocks, used_with)
        self._kept = all_kept  # the numbers of the blocks, by category
        self._names = names or [str(number) for number in range(len(blocks))]
        use_plain_keys(self, {f"{i}.": f"{name}." for i, name in enumerate(self._names)})

    def forward(self, x: Any) -> Any:
        """The output of the last block that runs.

        Args:
            x: the input of the first block.
        """
        self.selected  # noqa: B018  # which refuses, where there is none
        return Blocks(list(self))(x)

    def __len__(self) -> int:
        """How many blocks run."""
        return len(self._running())

    def __iter__(self) -> Iterator[nn.Module]:
        """The blocks that run."""
        return map(self.candidate, self._running())

    @overload
    def __getitem__(self, index: int) -> nn.Module: ...

    @overload
    def __getitem__(self, index: slice) -> Blocks: ...

    def __getitem__(self, index: int | slice) -> nn.Module | Blocks:
        """One of the blocks that run, or some of them."""
        return Blocks(list(self))[index]

    def _running(self) -> Sequence[int]:
        """The numbers of the blocks that run; of all outside of a call."""
        if self.is_selected or in_backward():
            return self._kept[self.selected]
        return range(len(self.used_with))

    def outputs(self, *args: Any, **kwargs: Any) -> Iterator[Callable[[], Any]]:
        """As for every choice point; each block runs once, whatever the order of the counts."""
        (x,) = args
        ever = [number for number, used in enumerate(self.used_with) if used.any()]
        results: list[Any] = [x]  # of the first, the first two ... of these

        def after(count: int) -> Any:
            while len(results) <= count:
                results.append(self.candidate(ever[len(results) - 1])(results[-1]))
            return results[count]

        for kept in self._kept:
            yield partial(after, ever.index(kept[-1]) + 1 if kept else 0)

    @property
    def base_category(self) -> int:
        """The category of the most blocks."""
        return max(range(len(self._kept)), key=lambda category: len(self._kept[category]))

    def derived(self, copy: Copy) -> nn.Module:
        """`nn.Sequential` of copies of the blocks that run, which has length and items, too."""
        kept = self._kept[self.selected]
        numbered = all(name.isdecimal() for name in self._names)
        names = map(str, range(len(kept))) if numbered else (self._names[i] for i in kept)
        blocks = (copy(self.candidate(number)) for number in kept)
        return self.in_same_mode(nn.Sequential(OrderedDict(zip(names, blocks, strict=False))))


class Blocks(Sequence[nn.Module]):
    """Blocks that run one after the other, as a part of a `Repeat`.

    Args:
        blocks: in order.

    Example:
        Blocks([first, second])(x)  # second(first(x))
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        self._blocks = blocks

    def __call__(self, x: Any) -> Any:
        """The output of the last block.

        Args:
            x: the input of the first.
        """
        for block in self._blocks:
            x = block(x)
        return x

    def __len__(self) -> int:
        return len(self._blocks)

    @overload
    def __getitem__(self, index: int) -> nn.Module: ...

    @overload
    def __getitem__(self, index: slice) -> Blocks: ...

    def __getitem__(self, index: int | slice) -> nn.Module | Blocks:
        found = self._blocks[index]
        return Blocks(found) if isinstance(found, Sequence) else found


def _kept(keep: str, count: int, blocks: int) -> tuple[int, ...]:
    """The numbers of the blocks that are kept."""
    if keep == "first" or count < 2:
        return tuple(range(count))
    gaps = count - 1
    return tuple((2 * i * (blocks - 1) + gaps) // (2 * gaps) for i in range(count))


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
