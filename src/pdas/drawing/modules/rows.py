"""The rows of the drawing of a network: its modules in order, those inside each below it.

What is equal is folded: modules in which nothing is chosen that follow each other are one row, and
so are siblings in which the same was chosen. There are at most so many rows; the last one says how
many more there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from pdas.drawing.modules.overview import Node, Overview, Term
from pdas.support.errors import printable

MOST_ROWS = 90
MOST_CHIPS = 8  # categories of a choice
_LETTERS = 28  # of a name or a label
_LINE = 90  # letters, of modules in a row
_DETAILS = 60


@dataclass(frozen=True)
class Chip:
    """A category of a choice.

    Attributes:
        label: of the category.
        is_chosen: whether it was chosen.
        probability: under theta, if it was chosen and that is known; of folded rows the least.

    Example:
        Chip("relu", True, 0.93)
    """

    label: str
    is_chosen: bool = False
    probability: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of the drawing.

    Attributes:
        depth: how many modules are around it.
        name: of the module, or the names of several.
        kind: its class, with what else there is to say.
        chips: the categories, where something is chosen.
        is_used: whether the architecture uses it.
        below: how many of the next rows are inside it.
        times: how many equal ones it stands for.
        in_common: what it has in common with those that it may be folded with.

    Example:
        Row(0, "0", "Linear, out_features = 32")
    """

    depth: int
    name: str
    kind: str
    chips: tuple[Chip, ...] = ()
    is_used: bool = True
    below: int = 0
    times: int = 1
    in_common: str = ""


@dataclass(frozen=True)
class Taken:
    """What an architecture chose, and how probable each category is.

    Attributes:
        categories: the index that was chosen, by variable; without those that are not known.
        probabilities: of the categories, by variable; empty if they are not known.

    Example:
        Taken({"op": 1}, {"op": [0.1, 0.9]})
    """

    categories: Mapping[str, int]
    probabilities: Mapping[str, Sequence[float]] = field(default_factory=dict)


def taken_of(
    overview: Overview,
    labels: Mapping[str, object],
    probabilities: Mapping[str, Sequence[float]] | None = None,
) -> Taken:
    """What an architecture chose in a network.

    Args:
        overview: of the network.
        labels: of the architecture; what is missing or unknown counts as not known.
        probabilities: of the categories of each variable.
    """
    categories = {}
    for name, possible in overview.variables.items():
        texts = [str(label) for label in possible]
        if name in labels and str(labels[name]) in texts:
            categories[name] = texts.index(str(labels[name]))
    known = {
        name: [float(each) for each in p]
        for name, p in (probabilities or {}).items()
        if len(p) == len(overview.variables.get(name, ()))
    }
    return Taken(categories, known)


def rows_of(overview: Overview, taken: Taken) -> tuple[list[Row], int]:
    """The rows of a drawing.

    Args:
        overview: of the network.
        taken: in it.

    Returns:
        At most `MOST_ROWS` rows, and how many were left out.
    """
    rows = _Rows(overview, taken).of(overview.root, 0, True)
    kept = rows[:MOST_ROWS]
    kept = [replace(row, below=min(row.below, len(kept) - 1 - i)) for i, row in enumerate(kept)]
    return kept, len(rows) - len(kept)


class _Rows:
    """The rows of nodes; the categories of a width are shown where it comes first."""

    def __init__(self, overview: Overview, taken: Taken) -> None:
        self._variables = overview.variables
        self._taken = taken
        self._shown: set[str] = set()

    def of(self, node: Node, depth: int, is_used: bool) -> list[Row]:
        """The row of a node and those inside it."""
        name, node = _without_single_steps(node)
        if node.is_plain:
            return [_together([replace(node, name=name)], depth, is_used)]
        kind = _short(node.kind, _DETAILS)
        chips: tuple[Chip, ...] = ()
        widths = [self._width_texts(name, terms) for name, terms in node.widths.items()]
        text = ", ".join([kind, *(text for text, _ in widths)])
        in_common = ", ".join([kind, *(each for _, each in widths)])
        if node.variable:
            text = f"{text} {_short(node.variable)}"
            chips = self._chips(node.variable, is_used)
        inside = self._widths_first_seen(node, depth + 1, is_used)
        inside += self._children(node, depth + 1, is_used)
        if node.left_out:
            more = f"{node.left_out:,} more modules"
            inside.append(Row(depth + 1, "", more, is_used=is_used))
        row = Row(depth, name, text, chips, is_used, len(inside), in_common=in_common)
        return [row, *inside]

    def _children(self, node: Node, depth: int, is_used: bool) -> list[Row]:
        """The rows of the children, folded."""
        category = self._taken.categories.get(node.variable)
        parts: list[tuple[Node, bool]] = []
        for child in node.children:
            always = category is None or child.used_with is None
            parts.append((child, is_used and (always or category in (child.used_with or ()))))
        blocks: list[list[Row]] = []
        for (plain, used), group in groupby(parts, lambda part: (part[0].is_plain, part[1])):
            nodes = [child for child, _ in group]
            if plain or not used:
                blocks.append([_together(nodes, depth, used)])
            else:
                blocks += [self.of(child, depth, used) for child in nodes]
        return [row for block in _folded(blocks) for row in block]

    def _widths_first_seen(self, node: Node, depth: int, is_used: bool) -> list[Row]:
        """A row for each variable of the widths of a layer that no row before it showed."""
        names = [term.variable for terms in node.widths.values() for term in terms]
        new = [n for n in dict.fromkeys(names) if n and n not in self._shown]
        self._shown.update(new)
        return [
            Row(depth, _short(n), "", self._chips(n, is_used), is_used, in_common="width")
            for n in new
        ]

    def _chips(self, variable: str, is_used: bool) -> tuple[Chip, ...]:
        """The categories of a variable: all, or the chosen and the most probable ones."""
        labels = self._variables[variable]
        category = self._taken.categories.get(variable)
        p = self._taken.probabilities.get(variable)
        order = sorted(range(len(labels)), key=lambda i: (i != category, i if p is None else -p[i]))
        chips = [
            Chip(
                _short(str(labels[i])),
                is_used and i == category,
                p[i] if p is not None and i == category else None,
            )
            for i in sorted(order[:MOST_CHIPS])
        ]
        more = len(labels) - len(chips)
        return (*chips, Chip(f"{more:,} more")) if more else tuple(chips)

    def _width_texts(self, name: str, terms: Sequence[Term]) -> tuple[str, str]:
        """A width, as "out_features = 2 * width = 64", and without the names of variables."""
        formula = " + ".join(map(_term_text, terms))
        numbers = [self._number(term) for term in terms]
        known = [number for number in numbers if number is not None]
        total = f" = {sum(known):,}" if len(known) == len(numbers) else ""
        factors = [(term.factor, bool(term.variable), term.power) for term in terms]
        return f"{_short(name)} = {_short(formula, _DETAILS)}{total}", f"{name} {factors}{total}"

    def _number(self, term: Term) -> int | None:
        if not term.variable:
            return term.factor
        category = self._taken.categories.get(term.variable)
        label = None if category is None else self._variables[term.variable][category]
        return term.factor * label**term.power if isinstance(label, int) else None


def _without_single_steps(node: Node) -> tuple[str, Node]:
    """A node, or the only one inside it, and so on, with the names on the way."""
    names = [node.name]
    while len(node.children) == 1 and not (node.variable or node.widths or node.left_out):
        (node,) = node.children
        names.append(node.name)
    return _short(".".join(filter(None, names))), node


def _together(nodes: Sequence[Node], depth: int, is_used: bool) -> Row:
    """One row for modules that follow each other and are not looked into."""
    if len(nodes) == 1:
        (node,) = nodes
        text = _plain_text(node)
        return Row(depth, _short(node.name), text, is_used=is_used, in_common=text)
    texts: list[str] = []
    for node in nodes:
        text = f"{_short(node.name)} {_short(node.kind)}".strip()
        if sum(map(len, texts)) + len(text) > _LINE:
            break
        texts.append(text)
    more = len(nodes) - len(texts)
    texts += [f"{more:,} more modules"] if more else []
    return Row(depth, "", " \N{MIDDLE DOT} ".join(texts), is_used=is_used)


def _plain_text(node: Node) -> str:
    """A module that is not looked into, in words."""
    text = _short(node.kind, _DETAILS)
    if node.details:
        return f"{text}({_short(node.details, _DETAILS)})"
    inside = [f"{node.modules - 1:,} modules inside"] if node.modules > 1 else []
    inside += [f"{node.weights:,} weights"] if node.weights else []
    return f"{text}, {', '.join(inside)}" if node.modules > 1 else text


def _folded(blocks: Sequence[list[Row]]) -> Iterator[list[Row]]:
    """The same, with equal blocks that follow each other as one."""
    for _, group in groupby(blocks, lambda block: tuple(map(_signature, block))):
        same = list(group)
        if len(same) == 1 or not same[0][0].in_common:
            yield from same
            continue
        head, *inside = (_merged(rows) for rows in zip(*same, strict=True))
        name = f"{head.name} \N{HORIZONTAL ELLIPSIS} {same[-1][0].name}"
        yield [replace(head, name=name, times=len(same)), *inside]


def _signature(row: Row) -> tuple[object, ...]:
    """What is equal of rows that are drawn as one: all but names and probabilities."""
    chips = tuple((chip.label, chip.is_chosen) for chip in row.chips)
    return row.depth, row.in_common or (row.name, row.kind), chips, row.is_used, row.times


def _merged(rows: Sequence[Row]) -> Row:
    """The first of equal rows, with the least probabilities of all."""
    chips = [
        replace(same[0], probability=min(known) if known else None)
        for same in zip(*(row.chips for row in rows), strict=True)
        for known in [[chip.probability for chip in same if chip.probability is not None]]
    ]
    return replace(rows[0], chips=tuple(chips))


def _term_text(term: Term) -> str:
    if not term.variable:
        return str(term.factor)
    variable = _short(term.variable) + ("" if term.power == 1 else f"^{term.power}")
    return variable if term.factor == 1 else f"{term.factor} * {variable}"


def _short(text: str, most: int = _LETTERS) -> str:
    line = printable(text)
    return line if len(line) <= most else f"{line[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
