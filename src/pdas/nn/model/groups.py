"""Which layers of a model have one width, by where their channels arrive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import nn

from pdas.nn.model.leaves import Leaf
from pdas.nn.model.tracing import OUTPUT, Trace

Atom = str
"""The name of the layer whose output channels are meant."""


@dataclass
class Group:
    """Layers whose numbers of outputs are chosen together.

    Attributes:
        members: the layers, each with its number of channels.
        units: of how many equal parts the channels consist that can be left out, as heads.
        heads: whether these parts are heads of attention.
        fixed: why the number must stay as it is; empty if it need not.

    Example:
        groups.of("layer1.0.conv1").members  # {"layer1.0.conv1": 64}
    """

    members: dict[Atom, int]
    units: int
    heads: bool = False
    fixed: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the channels of a tensor.

    Attributes:
        atom: whose channels they are; None of those that no layer makes, as of an image.
        factor: channels for each of the atom's.
        size: how many there are.

    Example:
        Part("conv1", 49, 64 * 49)  # flattened from maps of 7 x 7
    """

    atom: Atom | None
    factor: int
    size: int


@dataclass
class Groups:
    """All groups of a model, and what arrives at each layer.

    Attributes:
        inputs: by layer, the parts of its input channels.
        outputs: by layer, the parts of its output channels.

    Example:
        groups = groups_of(trace(model, (x,), {}))
        groups.of("conv1").units
    """

    inputs: dict[str, list[Part]] = field(default_factory=dict)
    outputs: dict[str, list[Part]] = field(default_factory=dict)
    _groups: dict[Atom, Group] = field(default_factory=dict)

    def of(self, atom: Atom) -> Group:
        """The group of a layer's outputs.

        Args:
            atom: name of the layer.
        """
        return self._groups[atom]

    def all(self) -> list[Group]:
        """Each group once."""
        return list({id(group): group for group in self._groups.values()}.values())

    def start(self, atom: Atom, size: int) -> None:
        """A group of one layer."""
        self._groups[atom] = Group({atom: size}, size)

    def fix(self, parts: list[Part], why: str) -> None:
        """The widths of some parts must stay."""
        for part in parts:
            if part.atom is not None:
                self.of(part.atom).fixed = self.of(part.atom).fixed or why

    def limit(self, parts: list[Part], units: int, why: str) -> None:
        """The widths of a single part come in so many units; several parts must stay."""
        if len(parts) == 1 and parts[0].atom is not None and parts[0].factor == 1:
            group = self.of(parts[0].atom)
            group.units = math.gcd(group.units, units)
        else:
            self.fix(parts, why)

    def unite(self, first: list[Part], second: list[Part], where: str) -> None:
        """Two tensors of the same widths, as of a sum."""
        shapes = ([(p.factor, p.size) for p in parts] for parts in (first, second))
        one, other = shapes
        if one != other:
            why = f"its channels meet others of other parts at {where}"
            self.fix(first, why)
            self.fix(second, why)
            return
        for a, b in zip(first, second, strict=True):
            if a.atom is None or b.atom is None:
                self.fix([a, b], f"its channels are added to those of no layer at {where}")
            else:
                self.merge(a.atom, b.atom)

    def merge(self, first: Atom, second: Atom) -> None:
        """Two layers of one group."""
        one, other = self.of(first), self.of(second)
        if one is other:
            return
        one.members |= other.members
        one.units = math.gcd(one.units, other.units)
        one.heads = one.heads or other.heads
        one.fixed = one.fixed or other.fixed
        for atom in other.members:
            self._groups[atom] = one


def groups_of(trace: Trace, ties: Sequence[Sequence[str]] = ()) -> Groups:
    """The groups of a model.

    Args:
        trace: of it.
        ties: names of weights that are one.
    """
    groups = Groups()
    for name, leaf in trace.leaves.items():
        if leaf.kind in ("opaque", "each"):  # what comes out of a norm is what has come in
            groups.outputs[name] = [Part(None, 1, leaf.outputs)]
        else:
            groups.start(name, leaf.outputs)
            groups.outputs[name] = [Part(name, 1, leaf.outputs)]
    for name, leaf in trace.leaves.items():
        groups.inputs[name] = _inputs(groups, trace, name, leaf)
        _relate(groups, name, leaf)
    for names in ties:
        _tie(groups, trace, names)
    for name in trace.arrivals:
        if OUTPUT in trace.arrivals[name]:
            groups.fix(groups.outputs[name], "its channels are an output of the model")
    return groups


def _tie(groups: Groups, trace: Trace, names: Sequence[str]) -> None:
    """Layers of one weight have the same widths: a table of words, and the layer that reads it."""
    dims = [_dimensions(groups, trace, name) for name in names]
    for other in dims[1:]:
        for parts, others in zip(dims[0], other, strict=False):
            groups.unite(parts, others, names[0])


def _dimensions(groups: Groups, trace: Trace, name: str) -> list[list[Part]]:
    """The parts of the dimensions of a weight."""
    layer, _, weight = name.rpartition(".")
    if layer not in trace.leaves:
        return []
    leaf = trace.leaves[layer]
    if isinstance(leaf.module, nn.Embedding):
        return [[Part(None, 1, leaf.inputs)], groups.outputs[layer]]
    if leaf.kind == "product" and weight == "weight":
        return [groups.outputs[layer], groups.inputs[layer]]
    return [groups.outputs[layer]]


def _relate(groups: Groups, name: str, leaf: Leaf) -> None:
    """What a layer itself asks of its inputs and outputs."""
    inputs, module = groups.inputs[name], leaf.module
    if leaf.kind == "opaque":
        groups.fix(inputs, f"{name} ({type(module).__name__}) takes it as it is")
    elif leaf.kind == "each":
        groups.outputs[name] = inputs
        if isinstance(module, nn.GroupNorm):
            groups.limit(inputs, leaf.inputs // module.num_groups, f"{name} has groups")
    elif leaf.kind == "attention":
        groups.unite(inputs, groups.outputs[name], name)
    elif getattr(module, "groups", 1) != 1:
        groups.unite(inputs, groups.outputs[name], name)
        groups.limit(groups.outputs[name], int(module.groups), f"{name} has groups")  # type: ignore[arg-type]


def _inputs(groups: Groups, trace: Trace, name: str, leaf: Leaf) -> list[Part]:
    """The parts of a layer's inputs; layers whose channels meet there become one group."""
    by_start: dict[int, list[Part]] = {}
    heads: list[tuple[str, int]] = []
    for source, arrivals in trace.arrivals.items():
        if name not in arrivals:
            continue
        outputs = groups.outputs[source]
        place = _place(arrivals[name])
        if place is not None:
            start, factor = place
            parts = [Part(p.atom, p.factor * factor, p.size * factor) for p in outputs]
            if start in by_start:
                groups.unite(by_start[start], parts, name)
            else:
                by_start[start] = parts
        elif (block := _head(arrivals[name], trace.leaves[source], leaf)) is not None:
            heads.append((source, block))
        else:
            groups.fix(outputs, f"its channels are mixed on the way to {name}")
    parts = _row(groups, by_start, leaf.inputs, name)
    return _unite_heads(groups, parts, heads, leaf, name)


def _place(arrivals: dict[int, list[int]]) -> tuple[int, int] | None:
    """Where channel 0 arrives, and how many each becomes, if all are in order."""
    factor = len(arrivals[0]) if 0 in arrivals else 0
    if not factor:
        return None
    start = arrivals[0][0]
    for channel, found in arrivals.items():
        first = start + channel * factor
        if found != list(range(first, first + factor)):
            return None
    return start, factor


def _head(arrivals: dict[int, list[int]], source: Leaf, place: Leaf) -> int | None:
    """How many channels at a place belong to a head of a layer, if its channels are in heads.

    Queries and keys change a whole head. Values that several heads share change a channel in each.
    """
    first = arrivals.get(0, [])
    if len(first) < 2:
        return None
    block = (first[1] - first[0]) * len(first)
    if place.inputs % block or block == place.inputs:
        return None
    units = place.inputs // block
    if source.outputs % units:
        return None
    for channel, found in arrivals.items():
        head = channel // (source.outputs // units)
        if found[0] < head * block or found[-1] >= (head + 1) * block:
            return None
    return block


def _unite_heads(
    groups: Groups, parts: list[Part], heads: list[tuple[str, int]], leaf: Leaf, name: str
) -> list[Part]:
    """Queries, keys, values and what reads them are one group; returns the parts of the inputs."""
    if not heads:
        return parts
    units = math.gcd(*(leaf.inputs // block for _, block in heads))
    own = [part for source, _ in heads for part in groups.outputs[source]]
    whole = [part for part in [*parts, *own] if part.atom is not None and part.size == leaf.inputs]
    members = [part.atom for part in [*whole, *own] if part.atom is not None]
    if not whole or len(members) < len(own) or any(part.size % units for part in own):
        groups.fix([*parts, *own], f"its heads do not fit those of {name}")
        return parts
    for atom in members:
        groups.merge(members[0], atom)
    group = groups.of(members[0])
    group.units, group.heads = math.gcd(group.units, units), True
    return whole[:1]


def _row(groups: Groups, by_start: dict[int, list[Part]], inputs: int, name: str) -> list[Part]:
    """All parts in order; what lies between them comes from no layer."""
    row: list[Part] = []
    end = 0
    for start in sorted(by_start):
        parts = by_start[start]
        size = sum(part.size for part in parts)
        if start < end or start + size > inputs:
            for others in by_start.values():
                groups.fix(others, f"its channels overlap others at {name}")
            return [Part(None, 1, inputs)]
        if start > end:
            row.append(Part(None, 1, start - end))
        row += parts
        end = start + size
    return [*row, Part(None, 1, inputs - end)] if end < inputs else row
