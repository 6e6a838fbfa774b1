"""An overview of a network with choices, as plain data: its modules, and what is chosen where.

It is that of the whole supernet; what an architecture chose is added when it is drawn. So a file
of it is written once, when a search begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pdas.support.errors import short

MOST_NODES = 5_000  # of an overview
MOST_DEPTH = 40  # of nodes within each other
MOST_LETTERS = 100  # of a name, or what else is written


class Term(NamedTuple):
    """A part of a width: `factor * variable ** power`, or the factor alone.

    Attributes:
        factor: a number of channels.
        variable: its name; empty of a fixed number.
        power: of the variable.

    Example:
        Term(2, "width", 1)
    """

    factor: int
    variable: str = ""
    power: int = 1


@dataclass(frozen=True)
class Node:
    """A module.

    Attributes:
        name: in the module around it; of a candidate its label.
        kind: its class.
        details: its settings, where nothing is inside it.
        modules: how many it is, with those inside that are no nodes of their own.
        weights: numbers in the weights of these.
        variable: the name of that which is chosen here; empty where nothing is.
        used_with: the categories of the choice around it with which it is used; None of all.
        widths: the terms of each of its widths that is chosen.
        children: in order.
        left_out: children for which there was no room.

    Example:
        Node("0", "ReLU")
    """

    name: str
    kind: str
    details: str = ""
    modules: int = 1
    weights: int = 0
    variable: str = ""
    used_with: tuple[int, ...] | None = None
    widths: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    left_out: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether nothing is chosen here or inside."""
        return not (self.variable or self.widths or self.children or self.left_out)

    def to_json(self) -> dict[str, Any]:
        """Plain data, without what is as by default."""
        plain: dict[str, Any] = {"name": self.name, "kind": self.kind}
        for name in ("details", "weights", "variable", "left_out"):
            if value := getattr(self, name):
                plain[name] = value
        if self.modules > 1:
            plain["modules"] = self.modules
        if self.used_with is not None:
            plain["used_with"] = list(self.used_with)
        if self.widths:
            plain["widths"] = {
                name: [list(t) for t in terms] for name, terms in self.widths.items()
            }
        if self.children:
            plain["children"] = [child.to_json() for child in self.children]
        return plain


@dataclass(frozen=True)
class Overview:
    """The modules of a network, and its variables.

    Attributes:
        variables: the labels of each variable, by name.
        root: the whole module.

    Example:
        Overview({"op": ("relu", "tanh")}, Node("", "Choice", variable="op"))
    """

    variables: Mapping[str, tuple[object, ...]]
    root: Node

    def to_json(self) -> dict[str, Any]:
        """Plain data; `overview_of_json` reads it."""
        variables = {name: list(labels) for name, labels in self.variables.items()}
        return {"variables": variables, "network": self.root.to_json()}


def overview_of_json(plain: Mapping[str, Any]) -> Overview:
    """An overview from plain data, which may be from someone else.

    Args:
        plain: of `Overview.to_json`.

    Raises:
        ValueError: it is none.
    """
    variables = {
        str(name): tuple(_sequence(labels, "labels"))
        for name, labels in _mapping(plain.get("variables"), "variables").items()
    }
    room = [2 * MOST_NODES]
    return Overview(variables, _node(plain.get("network"), variables, room, 2 * MOST_DEPTH))


def _node(
    plain: object, variables: Mapping[str, Sequence[object]], room: list[int], depth: int
) -> Node:
    """A node from plain data; `room` counts down the nodes that there may still be."""
    room[0] -= 1
    if room[0] < 0 or depth < 0:
        raise ValueError("it has more nodes, or deeper ones, than are ever written")
    values = _mapping(plain, "a node")
    variable = _text(values.get("variable", ""))
    if variable and not variables.get(variable):
        raise ValueError(f"{short(variable)} is none of its variables")
    used_with = values.get("used_with")
    return Node(
        name=_text(values.get("name", "")),
        kind=_text(values.get("kind", "")),
        details=_text(values.get("details", "")),
        modules=_count(values.get("modules", 1)),
        weights=_count(values.get("weights", 0)),
        variable=variable,
        used_with=None if used_with is None else tuple(map(_count, _sequence(used_with, "used"))),
        widths={
            _text(name): tuple(_term(term, variables) for term in _sequence(terms, "a width"))
            for name, terms in _mapping(values.get("widths", {}), "widths").items()
        },
        children=tuple(
            _node(child, variables, room, depth - 1)
            for child in _sequence(values.get("children", ()), "children")
        ),
        left_out=_count(values.get("left_out", 0)),
    )


def _term(plain: object, variables: Mapping[str, Sequence[object]]) -> Term:
    factor, variable, power = _sequence(plain, "a term")
    if _text(variable) and variable not in variables:
        raise ValueError(f"{short(variable)} is none of its variables")
    return Term(_count(factor), _text(variable), min(_count(power), 2))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{short(value)} is no text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{short(value)} is no number")
    return value


def _mapping(value: object, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {short(value)}, not a mapping")
    return value


def _sequence(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{what} is {short(value)}, not a list")
    return value
