"""A run in words: its architecture as text, and the few figures that matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from textwrap import shorten

from pdas.report.reader import Summary, read_summary
from pdas.report.results import Rows, result_rows
from pdas.report.values import is_number
from pdas.spaces.autoencoders.space import chain_text, decode_chain, is_chain
from pdas.spaces.cells.graph import Cell, read_cell
from pdas.spaces.cells.space import CELL_TYPES, is_cell


def summary_rows(run_dir: str | PathLike[str]) -> Rows:
    """What a run came to, as (label, value); a row whose figures are not there is left out.

    Raises RunError if the directory is not a run or one of its files is damaged.
    """
    return summarise(read_summary(run_dir))


def summarise(summary: Summary) -> Rows:
    """`summary_rows` of a run that has been read."""
    rows = [("method", method(summary))]
    if not summary.architecture and summary.run.stage == "search":
        rows.append(("state", "the search did not finish"))
    rows += result_rows(summary)
    if is_number(seconds := summary.search.get("seconds")):
        rows.append(("search time", duration(seconds)))
    if is_number(convergence := summary.search.get("convergence")):
        rows.append(("convergence", f"{convergence:.3f}"))
    return rows + _architecture_rows(summary.architecture)


def method(summary: Summary) -> str:
    """The method of the search, as `search.json` or else the recipe says it."""
    settings = summary.recipe.get("search")
    planned = settings.get("method") if isinstance(settings, Mapping) else None
    return str(summary.search.get("method") or planned or "unknown")


def architecture_text(architecture: Mapping[str, object]) -> str:
    """An architecture in lines: each node of a cell as a sum, each layer of a chain, or labels."""
    if is_cell(architecture):
        return "\n\n".join(_cell_text(name, read_cell(architecture, name)) for name in CELL_TYPES)
    if is_chain(architecture):
        chain = decode_chain(architecture)
        return "\n-> ".join(map(str, chain)) or chain_text(chain)
    width = max(map(len, architecture), default=0)
    return "\n".join(f"{name:<{width}}  {label}" for name, label in architecture.items())


def duration(seconds: float) -> str:
    """A time in one or two units, such as "20 min 44 s"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _architecture_rows(architecture: Mapping[str, object]) -> Rows:
    if is_cell(architecture):
        return [(f"{name} cell", _operations(read_cell(architecture, name))) for name in CELL_TYPES]
    if is_chain(architecture):
        return [("chain", chain_text(decode_chain(architecture)))]
    text = ", ".join(f"{name} = {label}" for name, label in architecture.items())
    return [("architecture", shorten(text, 100))] if text else []


def _operations(cell: Cell) -> str:
    """The operations of a cell by number, such as "4 sep_conv_3x3, 2 identity"."""
    counts = Counter(edge.operation for edge in cell.edges)
    return ", ".join(f"{count} {operation}" for operation, count in counts.most_common())


def _cell_text(name: str, cell: Cell) -> str:
    lines = [f"{name} cell"]
    for node in cell.nodes:
        terms = [f"{e.operation}({e.source})" for e in cell.edges if e.node == node]
        lines.append(f"  {node} = {' + '.join(terms)}")
    lines.append(f"  output = concat({', '.join(cell.loose_ends)})")
    return "\n".join(lines)
