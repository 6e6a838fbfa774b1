"""Which weights of a derived network are one, because they are one in the supernet."""

from __future__ import annotations

import copy

from torch import nn

Blocks = tuple[nn.Parameter, ...]


class Ties:
    """The weights of a derived network by the blocks of the supernet that they consist of.

    Args:
        memo: of `copy.deepcopy`, in which plain modules find what their weights have become.

    Example:
        layer.weight = ties.parameter(blocks, layer.weight)
    """

    def __init__(self, memo: dict[int, object]) -> None:
        self._memo = memo
        self._known: dict[tuple[int, ...], nn.Parameter] = {}

    def copied(self, module: nn.Module) -> nn.Module:
        """A copy of a module inside of a layer, in which choices are replaced already.

        Args:
            module: of the supernet.
        """
        return copy.deepcopy(module, self._memo)

    def parameter(self, blocks: Blocks, fresh: nn.Parameter) -> nn.Parameter:
        """The weight that consists of some blocks: the first that was made of them.

        Args:
            blocks: in order.
            fresh: that weight, if there is none yet.
        """
        whole = blocks[0] if len(blocks) == 1 and blocks[0].shape == fresh.shape else None
        if whole is not None:  # which a plain module may have, too
            known = self._memo.setdefault(id(whole), fresh)
            assert isinstance(known, nn.Parameter)
            return known
        return self._known.setdefault(tuple(map(id, blocks)), fresh)
