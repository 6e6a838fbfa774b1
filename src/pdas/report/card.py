"""The model card of a retrained network: Markdown in the form of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import yaml

from pdas.report.describe import architecture_text, method
from pdas.report.parts.controls import control_rows
from pdas.report.reader import Summary, read_summary
from pdas.report.results import result_rows
from pdas.report.values import count_text, duration, flattened, value_text
from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.support.errors import printable
from pdas.support.files import atomic_write
from pdas.support.metrics import is_number
from pdas.tasks.card import CardPart
from pdas.tasks.loading import load
from pdas.tasks.results import card_of
from pdas.tasks.section import Table

FILE = "README.md"  # where the hub looks for it
SHOWN = ("data.", "network.", "search.", "retrain.")  # settings; others are of the machine
VERSIONS = ("pdas", "torch", "python", "processor_model", "gpu")
LIMITS = (
    "It was measured on images of the same collection. How good it is on others is unknown.",
    "Nobody looked for groups of people or things that it treats worse than others.",
)


def write_card(path: str | PathLike[str], out: str | PathLike[str] | None = None) -> Path:
    """Write the model card of a retrained network into a new directory.

    It says what the network is, which data it saw, what was measured, how an image becomes its
    input, how it is used, what it cannot do, and how it was trained. It names no path.

    Args:
        path: a run directory, of which the first retraining is used, or one `retrain-<seed>/`.
        out: the directory; default `export-card` in that of the retraining.

    Returns:
        The directory, with the file `README.md`.

    Raises:
        RunError: there is no finished retraining, its files are damaged, or `out` is taken.

    Example:
        write_card("runs/folder-0")
    """
    retrained = Run.open(path).retrained()[0]
    text = card_text(retrained)
    directory = retrained.inner("export-card") if out is None else Path(out)
    with new_directory(directory, "--out") as made, atomic_write(made / FILE) as file:
        file.write(text.encode(errors="backslashreplace"))
    return directory


def card_text(retrained: Run) -> str:
    """The text of the card of one retraining."""
    summary = read_summary(retrained.path.resolve().parent)
    name = retrained.name
    result = summary.results[name]
    one = replace(summary, results={name: result}, recipes={name: summary.recipes[name]})
    part = retrained.read("result.json", lambda file: card_of(summary.recipe, result))
    parts = (
        _front_matter(one, part, name),
        _introduction(one, part, result),
        _data(one, part),
        _results(one, part),
        _input(load(retrained.path)),
        _use(part),
        _limits(part),
        _training(one, result),
    )
    return "\n".join(line for each in parts for line in (*each, ""))


def _front_matter(summary: Summary, part: CardPart, name: str) -> Iterator[str]:
    about: dict[str, object] = {
        "library_name": "pdas",
        "tags": ["pdas", "neural-architecture-search"],
    }
    if part.pipeline:
        about["pipeline_tag"] = part.pipeline
        about["model-index"] = [_index(summary, part, name)]
    yield "---"
    yield yaml.safe_dump(about, sort_keys=False, allow_unicode=True).rstrip()
    yield "---"


def _index(summary: Summary, part: CardPart, name: str) -> dict[str, object]:
    data = printable(_setting(summary, "data.name"))
    metrics = [{"type": key, "value": round(value, 4)} for key, value in part.metrics.items()]
    result = {
        "task": {"type": part.pipeline},
        "dataset": {"name": data, "type": data, "split": "test"},
        "metrics": metrics,
    }
    return {"name": printable(f"{summary.run.name}/{name}"), "results": [result]}


def _introduction(summary: Summary, part: CardPart, result: Mapping[str, object]) -> Iterator[str]:
    weights = result.get("params")
    size = f" and {count_text(weights)} weights" if is_number(weights) else ""
    yield f"# {escaped(summary.run.name)}"
    yield ""
    yield (
        f"A {part.what}{size}. Its architecture was found by PDAS, a neural architecture search "
        f"within a single training run (method: {escaped(method(summary))}). It was then trained "
        "from fresh weights."
    )


def _data(summary: Summary, part: CardPart) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield (
        f"The data set `{printable(_setting(summary, 'data.name'))}`. Where it has no test part of "
        f"its own, {_setting(summary, 'data.test_fraction')} of the images were split off for the "
        f"test (split seed {_setting(summary, 'data.split_seed')}). Neither the search nor the "
        "training saw test images."
    )
    yield from _tables(part.data)


def _results(summary: Summary, part: CardPart) -> Iterator[str]:
    yield "## Results on the test images"
    yield from _table(("", ""), [*result_rows(summary), *control_rows(summary)])
    yield from _tables(part.results)
    yield ""
    yield "These are figures of one training. Another seed gives others."


def _input(network: object) -> Iterator[str]:
    description = getattr(network, "description", None)
    if description is None:
        return
    about = description()
    yield "## From an image to the input"
    yield ""
    yield f"Input: {escaped(about.input)}. Output: {escaped(about.output)}."
    steps = {
        "image_shape (channels, height, width)": about.image_shape,
        **dict(about.preprocessing),
    }
    steps |= {name: getattr(about, name) for name in ("mean", "std") if hasattr(about, name)}
    yield from _table(("step", ""), [(name, value_text(value)) for name, value in steps.items()])


def _use(part: CardPart) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "```python"
    yield "import pdas"
    yield ""
    yield 'network = pdas.load("RUN")  # the directory of the run'
    yield part.usage
    yield "```"
    yield ""
    yield "`pdas export RUN --format onnx` writes the network for other programs."


def _limits(part: CardPart) -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield from (f"- {sentence}" for sentence in (*part.limits, *LIMITS))


def _training(summary: Summary, result: Mapping[str, object]) -> Iterator[str]:
    yield "## Training"
    yield ""
    seconds = summary.search.get("seconds")
    if is_number(seconds):
        yield f"The search took {duration(seconds)}. Seed of the training: {result.get('seed')}."
    versions = [
        (key, str(summary.environment[key])) for key in VERSIONS if summary.environment.get(key)
    ]
    settings = flattened(summary.recipe).items()
    shown = [(name, value) for name, value in settings if name.startswith(SHOWN)]
    yield from _table(("setting", "value"), [*versions, *shown])
    yield ""
    yield "The architecture:"
    yield ""
    yield from (
        f"    {printable(line)}" for line in architecture_text(summary.architecture).splitlines()
    )


def _setting(summary: Summary, name: str) -> str:
    return flattened(summary.recipe).get(name, "unknown")


def _tables(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        if table.title:
            yield ""
            yield f"**{escaped(table.title)}**"
        yield from _table(table.headings, table.rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield _row(headings)
    yield _row(["---"] * len(headings), plain=True)
    yield from map(_row, rows)


def _row(texts: Sequence[str], plain: bool = False) -> str:
    return f"| {' | '.join(texts if plain else map(escaped, texts))} |"


def escaped(text: str) -> str:
    """A text in a line of Markdown, where it is shown as it is, whoever chose it."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~])", r"\\\1", printable(text))
