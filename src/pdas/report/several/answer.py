"""The answer of several runs in plain words: how good, how sure, how far they agree, what next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean

from pdas.report.several.agreement import Agreement, agreement_text
from pdas.report.several.column import Column
from pdas.report.several.groups import Group, judged
from pdas.report.warnings.not_converged import CONVERGED
from pdas.support.metrics import Metric
from pdas.tasks.results import well_known_of

_NAMED = 4  # groups, and runs that lack something


def answer(
    columns: Sequence[Column], together: Sequence[Group], agreed: Agreement | None
) -> Iterator[str]:
    """The answer, sentence by sentence; what is between two ` is code.

    Args:
        columns: the runs.
        together: those that differ in seeds only.
        agreed: how far their architectures are the same; None of fewer than two.
    """
    metric = judged(columns)
    yield _what(columns, together)
    if metric is not None:
        measured = [group for group in together if group.values(metric)]
        yield from (_measured(group, metric, len(together) == 1) for group in measured[:_NAMED])
        yield from _compared(measured, metric)
    yield from _sure(columns)
    if agreed is not None:
        yield f"{agreement_text(agreed)}."
    if warned := Counter(name for column in columns for name in column.warnings):
        each = (f"{name} (in {count:,} of the runs)" for name, count in warned.most_common())
        yield f"Warnings: {', '.join(each)}."
    if incomplete := [column for column in columns if column.missing]:
        yield f"Not complete: {_names(incomplete)}."
    yield from _asked(columns)
    yield f"Next: {_next(incomplete, together, agreed)}."


def _what(columns: Sequence[Column], together: Sequence[Group]) -> str:
    count = f"{len(columns):,} run{'s' if len(columns) > 1 else ''}"
    known = sum(len(group.columns) for group in together)
    if known < len(columns):
        return f"{count}, of which the settings of {known:,} are known."
    if len(together) == 1:
        return f"{count} that differ in their seeds only." if len(columns) > 1 else f"{count}."
    return f"{count} with {len(together):,} kinds of settings."


def _measured(group: Group, metric: Metric, is_only: bool) -> str:
    """The value of a group, and how sure it is."""
    values = group.values(metric)
    middle = group.mean(metric)
    assert middle is not None  # as the caller has seen
    whose = "The" if is_only else f"Of {group.name} the"
    text = f"{whose} {metric.label} is {metric.text(middle)}"
    if len(values) == 1:
        return f"{text}, of a single run."
    low, high = min(values, key=lambda n: values[n]), max(values, key=lambda n: values[n])
    text += f" on average over {len(values)} runs"
    if interval := group.interval(metric):
        one, other = map(metric.number, interval)
        text += f" (95 % interval {one} to {other})"
    if low == high:
        return f"{text}, the same in all."
    ends = f"{metric.number(values[low])} ({low}) to {metric.number(values[high])} ({high})"
    return f"{text}; single runs have {ends}."


def _compared(measured: Sequence[Group], metric: Metric) -> Iterator[str]:
    """Which group is better than the first, where seeds in common tell."""
    for group in measured[1:_NAMED]:
        first = measured[0]
        difference = group.difference(first, metric)
        if difference.interval is None:
            yield (
                f"Whether {group.name} or {first.name} is better is not known: that takes two "
                "seeds or more that both have."
            )
        else:
            word = {True: "that is better", False: "that is worse", None: "none is shown"}
            about = f"{difference.text()} {metric.unit}".rstrip()
            yield (
                f"The difference of {group.name} to {first.name}, paired by seed, is {about}: "
                f"{word[difference.is_better]}."
            )


def _sure(columns: Sequence[Column]) -> Iterator[str]:
    """How far the searches were decided, where they say so."""
    found = {metric.key: metric for column in columns for metric in column.values}
    decided = found.get("decided")
    if decided is not None:
        sure = [value for each in columns if (value := each.values.get(decided)) is not None]
        share = f"{mean(sure) * 100:.0f} %"
        yield f"The searches are as sure as {share} of what is possible, on average."


def _asked(columns: Sequence[Column]) -> Iterator[str]:
    """What only a comparison tells."""
    recipes = [column.recipe for column in columns if "task" in column.recipe]
    if recipes:
        known = well_known_of(recipes[0])
        plain, rows = (", or than a plain network", f",plain:{known}") if known else ("", "")
        command = f"pdas compare {recipes[0].get('name')} --methods pdas,random{rows}"
        yield f"Are they better than random{plain}? Not asked here; `{command}` asks."


def _next(
    incomplete: Sequence[Column],
    together: Sequence[Group],
    agreed: Agreement | None,
) -> str:
    if incomplete:
        return (
            f"finish {_names(incomplete)}: the same command again continues a sweep, --resume a run"
        )
    alone = next((group for group in together if len(group.columns) == 1), None)
    if alone is not None:
        how = "" if _is_own(alone.columns[0]) else ", as by `pdas sweep`"
        return f"run more seeds of {alone.name}{how}: one run says little"
    if agreed is not None and (beyond := agreed.beyond_chance) is not None and beyond < CONVERGED:
        return (
            "search longer: the searches choose differently, and agree by "
            f"{beyond:.2f} beyond chance only, of 1"
        )
    known = [column for group in together for column in group.columns if not _is_own(column)]
    return "use one of them" + "".join(f", as by `pdas export {each.path}`" for each in known[:1])


def _is_own(column: Column) -> bool:
    """Whether it searched a network of one's own, which the commands do not know."""
    return column.summary is not None and column.summary.is_own_network


def _names(columns: Sequence[Column]) -> str:
    shown = ", ".join(column.name for column in columns[:_NAMED])
    more = len(columns) - _NAMED
    return shown if more <= 0 else f"{shown} and {more} more"
