"""A run in words: its architecture as text, and the few figures that matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from statistics import mean, stdev
from textwrap import shorten

from pdas.nn.cell.space import CELL_TYPES, is_cell
from pdas.report.graph import Cell, read_cell
from pdas.report.reader import Summary, is_number, read_summary

Rows = list[tuple[str, str]]


def summary_rows(run_dir: str | PathLike[str]) -> Rows:
    """What a run came to, as (label, value); a row whose figures are not there is left out.

    Raises RunError if the directory is not a run or one of its files is damaged.
    """
    return summarise(read_summary(run_dir))


def summarise(summary: Summary) -> Rows:
    """`summary_rows` of a run that has been read."""
    rows = [("method", method(summary))]
    results = list(summary.results.values())
    errors = [float(value) for value in _numbers(results, "test_error")]
    if errors:
        rows.append(("test error", _mean_and_deviation(errors)))
    if weights := _numbers(results, "params"):
        rows.append(("weights", _short(mean(weights))))
    if seconds := _numbers([summary.search], "seconds"):
        rows.append(("search time", duration(seconds[0])))
    if convergence := _numbers([summary.search], "convergence"):
        rows.append(("convergence", f"{convergence[0]:.3f}"))
    return rows + _architecture_rows(summary.architecture)


def method(summary: Summary) -> str:
    """The method of the search, as `search.json` or else the recipe says it."""
    settings = summary.recipe.get("search")
    planned = settings.get("method") if isinstance(settings, Mapping) else None
    return str(summary.search.get("method") or planned or "unknown")


def architecture_text(architecture: Mapping[str, object]) -> str:
    """An architecture in lines: each node of a cell as a sum, or a variable with its label."""
    if is_cell(architecture):
        return "\n\n".join(_cell_text(name, read_cell(architecture, name)) for name in CELL_TYPES)
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


def _mean_and_deviation(errors: list[float]) -> str:
    if len(errors) == 1:
        return f"{errors[0]:.2f} %"
    return f"{mean(errors):.2f} ± {stdev(errors):.2f} % ({len(errors)} retrainings)"


def _short(weights: float) -> str:
    """A number of weights as "3.20 M" or "96.4 k"."""
    return f"{weights / 1e6:.2f} M" if weights >= 1e6 else f"{weights / 1e3:.1f} k"


def _numbers(sources: list[Mapping[str, object]], key: str) -> list[float]:
    values = [source.get(key) for source in sources]
    return [value for value in values if is_number(value)]


def _architecture_rows(architecture: Mapping[str, object]) -> Rows:
    if is_cell(architecture):
        return [(f"{name} cell", _operations(read_cell(architecture, name))) for name in CELL_TYPES]
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
