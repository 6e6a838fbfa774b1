"""A run as a column of a page of several, whatever there is of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from statistics import mean
from typing import TypeGuard

from pdas.report.damage import kept
from pdas.report.parts.missing import missing
from pdas.report.reader import Summary, read_metrics, read_summary
from pdas.report.warnings.of_run import warnings_of
from pdas.runs.reading import names_in
from pdas.runs.run import Run
from pdas.support.arrays import FloatArray
from pdas.support.errors import RunError
from pdas.support.metrics import Metric, is_number, numbers, with_general

MOST = 30  # columns of a table and lines of a plot; all count in means

_OTHERS = ("seed", "seconds")  # numbers in `search.json` that are told otherwise
_SEARCH_TIME = Metric("search_seconds", "search time", "s", ".1f")


@dataclass(frozen=True)
class Column:
    """A run of several.

    Attributes:
        name: by which a reader knows it.
        path: of its directory.
        summary: of its files; None where it cannot be opened.
        missing: what it lacks, a line each.
        course: the columns of `metrics.csv` of its search; empty where it has none.

    Example:
        read_column("seed-0", Path("runs/digits-sweep/seed-0")).missing
    """

    name: str
    path: Path
    summary: Summary | None = None
    missing: Sequence[str] = ()
    course: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def architecture(self) -> Mapping[str, object]:
        """The labels that were found; empty if there are none yet."""
        return {} if self.summary is None else self.summary.architecture

    @property
    def recipe(self) -> Mapping[str, object]:
        """All its settings; empty if they are not known."""
        return {} if self.summary is None else self.summary.recipe

    @cached_property
    def warnings(self) -> list[str]:
        """The names of its warnings, which its own page explains."""
        if self.summary is None:
            return []
        return [warning.name for warning in warnings_of(self.summary)]

    @cached_property
    def values(self) -> dict[Metric, float]:
        """What was measured: the means over its retrainings, then what its search reports.

        Of retrainings with other settings than the first only the first counts.
        """
        if self.summary is None:
            return {}
        results = list(self.summary.results.values())
        results = results if self.summary.is_comparable else results[:1]
        found: dict[Metric, float] = {}
        for metric in with_general(self.summary.metrics):
            some = [value for result in results if _is_finite(value := result.get(metric.key))]
            if some:
                found[metric] = mean(some)
        search = self.summary.search
        reported = {key: value for key, value in search.items() if key not in _OTHERS}
        for metric, value in numbers(reported, ()):
            if _is_finite(value):
                found.setdefault(metric, value)
        if _is_finite(seconds := search.get("seconds")):
            found[_SEARCH_TIME] = seconds
        return found


def read_column(name: str, path: Path) -> Column:
    """A run, leniently read: what is damaged or missing is a line.

    Args:
        name: by which a reader knows it.
        path: of its directory.
    """
    damage: list[str] = []
    summary = kept(damage, lambda: read_summary(path, lenient=True))
    if summary is None:
        return Column(name, path, missing=damage)
    has_course = summary.run.has("metrics.csv")
    course = kept(damage, lambda: read_metrics(summary.run)) if has_course else None
    lines = [*missing(summary), *summary.damage, *damage]
    return Column(name, path, summary, lines, course or {})


def runs_of_sweep(sweep: Path) -> list[Column]:
    """The runs of a sweep by their seeds, also those that failed before they had a directory.

    Args:
        sweep: its directory.
    """
    run = Run(sweep)
    failed: Mapping[str, object] = {}
    with suppress(RunError):  # a damaged file says less than the runs themselves
        if run.has("sweep.json") and isinstance(found := run.read_json("sweep.json"), Mapping):
            errors = found.get("failed")
            failed = errors if isinstance(errors, Mapping) else {}
    names = {name for name in names_in(sweep) if name.startswith("seed-")}
    names |= {f"seed-{seed}" for seed in failed}
    return [
        _with_error(read_column(name, sweep / name), failed.get(name.removeprefix("seed-")))
        for name in sorted(names, key=lambda name: (len(name), name))
    ]


def _with_error(column: Column, error: object) -> Column:
    if error is None or (column.summary is not None and not column.missing):
        return column  # it was continued since
    lines = column.missing if column.summary is not None else ()
    return Column(column.name, column.path, column.summary, [*lines, str(error)], column.course)


def read_columns(paths: Sequence[Path]) -> list[Column]:
    """Runs, each once, named by their directories and as much of the path as tells them apart.

    Args:
        paths: of their directories.
    """
    whole = dict.fromkeys(path.resolve() for path in paths)
    depth = 1
    while len({path.parts[-depth:] for path in whole}) < len(whole):
        depth += 1
    return [read_column("/".join(path.parts[-depth:]), path) for path in whole]


def _is_finite(value: object) -> TypeGuard[float]:
    return is_number(value) and isfinite(value)
