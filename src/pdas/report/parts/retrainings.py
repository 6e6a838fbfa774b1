"""The part of the page about the retrained networks: their figures and what their task adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_section, add_table
from pdas.report.reader import Summary
from pdas.report.values import flattened, value_text
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.metrics import Metric, metric_named, with_general
from pdas.tasks.results import sections_of
from pdas.tasks.section import Picture, Section


def add_retrainings(body: Element, summary: Summary, elsewhere: Sequence[str] = ()) -> None:
    """A row for each retraining, a column for each plain value in some `result.json`.

    Settings that differ are columns too. Below the table, the sections of the task.

    Args:
        body: of the page.
        summary: of the run.
        elsewhere: keys of values that the page shows in another part.

    Raises:
        RunError: a file is damaged.
    """
    results = summary.results
    if not results:
        return
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
    for name in results:
        retraining = Run(summary.run.path / name)
        for section in [*_course(summary, retraining), *_sections(summary, retraining)]:
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


def _course(summary: Summary, retraining: Run) -> Iterator[Section]:
    """The course of the training, where it is known."""
    if retraining.has("metrics.csv"):
        from pdas.report.course import plot_course  # needs matplotlib

        picture = plot_course(retraining, summary.metrics)
        caption = "Training loss and measures of the task over the epochs"
        yield Section(f"Course of {retraining.name}", pictures=[Picture(picture, caption)])


def _sections(summary: Summary, retraining: Run) -> list[Section]:
    """What the task adds; a result that it cannot read becomes one line that names the file."""

    def parse(file: Path) -> list[Section]:
        return sections_of(summary.recipe, retraining.path, parse_json(file))

    return retraining.read("result.json", parse)
