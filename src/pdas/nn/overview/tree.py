"""The overview of a supernet: what is chosen where in its module tree.

Modules in which nothing is chosen are one node each, however many are inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.parameter import is_lazy

from pdas.drawing.modules.overview import (
    MOST_DEPTH,
    MOST_LETTERS,
    MOST_NODES,
    Node,
    Overview,
    Term,
)
from pdas.nn.choices.choice import Choice
from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.optional_layer import OptionalLayer
from pdas.nn.choices.value import Value
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.supernet import Supernet
from pdas.nn.widths import ChosenWidth, WidthSum
from pdas.support.errors import printable


def overview(net: Supernet) -> Overview:
    """The modules of a supernet with their choices, in bounded size.

    Args:
        net: the supernet.

    Returns:
        Plain data: at most 5,000 nodes, 40 deep.

    Example:
        overview(net).to_json()
    """
    return Overview(dict(net.space), _Walk().node("", net.module, MOST_DEPTH))


class _Walk:
    """One walk through a module tree, parents first, for as long as there is room for nodes."""

    def __init__(self) -> None:
        self._room = MOST_NODES
        self._known: dict[int, bool] = {}

    def node(
        self, name: str, module: nn.Module, depth: int, used_with: tuple[int, ...] | None = None
    ) -> Node:
        self._room -= 1
        name, kind = _text(name), _text(type(module).__name__)
        if depth == 0 or not self._has_choice(module):
            inside = sum(1 for _ in module.modules())
            details = _details(module) if inside == 1 else ""
            return Node(name, kind, details, inside, _weights(module), used_with=used_with)
        children, left_out = [], 0
        for child_name, child, used in _children(module):
            if self._room > 0:
                children.append(self.node(child_name, child, depth - 1, used))
            else:
                left_out += 1
        return Node(
            name,
            kind,
            variable=module.variable.name if isinstance(module, ChoicePoint) else "",
            used_with=used_with,
            widths=_widths(module),
            children=tuple(children),
            left_out=left_out,
        )

    def _has_choice(self, module: nn.Module) -> bool:
        """Whether something is chosen in a module; each is asked once."""
        known = self._known.get(id(module))
        if known is None:
            known = isinstance(module, ChoicePoint | ChosenWidth)
            for child in module.children():  # no comprehension, whose frames deep modules lack
                known = self._has_choice(child) or known
            self._known[id(module)] = known
        return known


def _children(module: nn.Module) -> Iterator[tuple[str, nn.Module, tuple[int, ...] | None]]:
    """The modules in a module that are drawn: name, module, and the categories that use it."""
    for name, child in module._modules.items():
        if child is None or isinstance(child, ElasticWeight) or _width(module, child) is not None:
            continue
        if isinstance(module, ChoicePoint) and name.isdecimal():
            used = tuple(module.used_with[int(name)].nonzero()[0].tolist())
            yield _candidate_name(module, int(name)), child, used
        else:
            yield name, child, None


def _candidate_name(point: ChoicePoint, number: int) -> str:
    if isinstance(point, Choice):
        return str(point.variable.categories[number])
    if isinstance(point, OptionalLayer):
        return "" if number == 0 else "otherwise"
    return str(number)


def _widths(module: nn.Module) -> dict[str, tuple[Term, ...]]:
    """The chosen widths of a layer by the names of its arguments."""
    return {
        _text(name): tuple(Term(s.factor, s.name, s.power) for s in width.segments())
        for name, child in module._modules.items()
        if (width := _width(module, child)) is not None
    }


def _width(module: nn.Module, child: nn.Module | None) -> ChosenWidth | None:
    """A child that says how wide a module is, and is no module of its own; else None."""
    if isinstance(module, Elastic) and isinstance(child, Value):
        labels = child.variable.categories
        return child if all(type(label) is int and label > 0 for label in labels) else None
    return child if isinstance(child, WidthSum) else None


def _details(module: nn.Module) -> str:
    """The settings of a module, as it prints them; none where its code fails."""
    try:
        return _text(module.extra_repr())
    except Exception:  # code of the user's
        return ""


def _text(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 3]}..."


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters() if not is_lazy(weight))
