"""The part of the page about the retrained networks: their figures and what their task adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.report.describe import architecture_rows
from pdas.report.html.elements import add, add_section, add_table
from pdas.report.reader import Summary
from pdas.report.values import flattened, value_text
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.metrics import Metric, metric_named, with_general
from pdas.tasks.results import sections_of
from pdas.tasks.section import Section


def add_retrainings(body: Element, summary: Summary) -> None:
    """A row for each retraining, a column for each plain value in some `result.json`.

    Settings that differ are columns too.

    Args:
        body: of the page.
        summary: of the run.
    """
    results = summary.results
    if not results:
        return
    elsewhere = [label for label, _ in architecture_rows(summary.architecture)]
    described = with_general(summary.metrics)
    in_summary = [key for metric in described for key in (metric.std_key, metric.p95_key)]
    keys = _plain(list(results.values()), {*elsewhere, *in_summary})
    columns = [metric_named(key, summary.metrics) for key in keys]
    settings = {name: flattened(recipe) for name, recipe in summary.recipes.items()}
    differing = _differing([flat for flat in settings.values() if flat])
    rows = [
        (
            name,
            *(_text(result.get(metric.key), metric) for metric in columns),
            *(settings[name].get(key, "unknown") for key in differing),
        )
        for name, result in results.items()
    ]
    add(body, "h2", "Retrained networks")
    add_table(body, rows, ["", *(metric.heading for metric in columns), *differing])


def add_figures(body: Element, summary: Summary, name: str) -> None:
    """Add what the task shows of a retrained network, such as its mistakes.

    Args:
        body: of the page.
        summary: of the run.
        name: of the retraining.

    Raises:
        RunError: a file is damaged.
    """
    for section in _sections(summary, Run(summary.run.path / name)):
        add_section(body, section)


def _text(value: object, metric: Metric) -> str:
    """A fraction as the summary has it, so that 52.0 is not 52 below 33.33."""
    return metric.number(value) if isinstance(value, float) else value_text(value)


def _plain(results: Sequence[Mapping[str, object]], left_out: set[str]) -> list[str]:
    """The keys in some result whose values fit into a column."""
    keys = dict.fromkeys(key for result in results for key in result if key not in left_out)
    return [
        key
        for key in keys
        if not any(isinstance(result.get(key), Mapping | list) for result in results)
    ]


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """The settings that are not the same everywhere."""
    keys = dict.fromkeys(key for flat in settings for key in flat)
    return [key for key in keys if len({flat.get(key) for flat in settings}) > 1]


def _sections(summary: Summary, retraining: Run) -> list[Section]:
    """What the task adds; a result that it cannot read becomes one line that names the file."""

    def parse(file: Path) -> list[Section]:
        return sections_of(summary.recipe, retraining.path, parse_json(file))

    return retraining.read("result.json", parse)
