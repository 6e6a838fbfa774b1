"""A supernet of a model, which prints as a table of its variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from torch import nn

from pdas.cost import ProductCost
from pdas.nn.supernet import Supernet

QUANTITIES = ("parameters", "multiply_adds")


class SearchableModel(Supernet):
    """A supernet that `searchable` made; printed, it is a table.

    Args:
        module: with choices.
        inputs, named: a sample of what it is called with.

    Example:
        print(pdas.nn.searchable(model, {"layers": "depth"}, x))
    """

    def __init__(self, module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> None:
        super().__init__(module)
        self._sample = tuple(inputs), dict(named)

    def __repr__(self) -> str:
        inputs, named = self._sample
        costs = [self.cost("parameters"), self.cost("multiply_adds", *inputs, **named)]
        rows = [["variable", "categories", *(f"{q}: least, middle, largest" for q in QUANTITIES)]]
        for position, variable in enumerate(self.space.variables):
            labels = ", ".join(map(str, variable.categories))
            rows.append([variable.name, labels, *(self._range(c, position) for c in costs)])
        title = (
            f"{type(self).__name__} of {type(self.module).__name__}: {len(self.space)} variables; "
            "costs of the whole model with one variable changed"
        )
        return "\n".join([title, *_lines(rows)])

    def _range(self, cost: ProductCost, position: int) -> str:
        """The least, the middle and the largest cost over the categories of a variable."""
        size, whole = int(self.space.sizes[position]), self.largest
        costs = [cost(whole.replaced(position, category)) for category in range(size)]
        return ", ".join(f"{number:,.0f}" for number in (min(costs), median_low(costs), max(costs)))


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines of a table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([text.ljust(width) for text, width in zip(r, widths, strict=True)] for r in rows)
    return [f"  {'  '.join(texts)}".rstrip() for texts in padded]
