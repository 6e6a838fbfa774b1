"""The content of `check.json` in words: the images, what may spoil the experiment, and the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_table
from pdas.report.results import Rows
from pdas.report.values import count_text, duration, value_text
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.support.errors import printable

FILE = "check.json"
NOTE = "note"  # the label of what is passed over
NAMED = 3  # images and classes in a row
HEADINGS = ("class", "training images", "test images")


def check_rows(check: Mapping[str, Any]) -> Rows:
    """All of a check but the images of each class, as (label, text).

    Args:
        check: the content of `check.json`.
    """
    images, search, retraining = check["images"], check["search"], check["retraining"]
    rows = [("images", _images(images)), *_warnings(images)]
    rows.append(("search", _search(search)))
    drawn = _training(retraining, "weights")
    rows.append(("retraining", f"{drawn}, for an architecture drawn at random"))
    if changed := dict(retraining["changed"]):
        rows.append(("retrained with", _changed(changed, retraining)))
    if kernels := check.get("kernels"):
        rows.append(("operators", str(kernels)))
    return rows


def class_rows(check: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The images of each class: its name, and their numbers for training and for the test.

    Args:
        check: the content of `check.json`.
    """
    classes = check["images"]["classes"]
    return [
        (printable(str(name)), value_text(count["train"]), value_text(count["test"]))
        for name, count in dict(classes or {}).items()
    ]


def add_check(body: Element, run: Run) -> None:
    """What was known before the start, if the run has it.

    Args:
        body: of the page.
        run: the run directory.

    Raises:
        RunError: the file is damaged.
    """
    if not (run.path / FILE).exists():
        return
    add(body, "h2", "Before the start")
    rows, classes = run.read(FILE, _parse)
    add_table(body, rows)
    if classes:
        add_table(body, classes, HEADINGS)


def _parse(file: Path) -> tuple[Rows, list[tuple[str, str, str]]]:
    check = parse_json(file)
    return check_rows(check), class_rows(check)


def _images(images: Mapping[str, Any]) -> str:
    """How many there are, and their sizes."""
    channels, height, width = images["shape"]
    count = images["images"]
    parts = [f"{count['train']:,} for training and {count['test']:,} for the test"]
    if classes := dict(images["classes"] or {}):
        sizes = [each["train"] + each["test"] for each in classes.values()]
        parts.append(f"{len(classes)} classes of {min(sizes):,} to {max(sizes):,}")
    parts.append(f"seen as {width}x{height} in {'colour' if channels == 3 else 'grey'}")
    if stored := images["stored"]:
        smallest, largest = ("x".join(map(str, stored[name])) for name in ("smallest", "largest"))
        parts.append(f"files of {smallest} to {largest}")
    return ", ".join(parts)


def _warnings(images: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What may spoil the experiment."""
    for note in images["notes"]:
        yield NOTE, printable(str(note))
    constant, nearly = images["constant"], images["nearly_constant"]
    if constant or nearly:
        named = _named(images["constant_images"], constant + nearly)
        yield "constant", f"{constant:,} images, and {nearly:,} nearly: {named}"
    if few := images["few"]:
        text = f"{_named(few, len(few))} with fewer than 10 test images, too few to judge them"
        yield "small classes", text
    if duplicates := images["duplicates"]:
        pairs = [f"{test} like {train}" for test, train in images["duplicate_pairs"]]
        text = f"{duplicates:,} test images are nearly the same as a training image"
        yield "duplicates", f"{text}: {_named(pairs, duplicates)}"


def _search(search: Mapping[str, Any]) -> str:
    if not search["steps"]:
        return f"none, with the method {search['method']}"
    parts = [_training(search, "weights in the supernet")]
    if warmup := search["warmup"]:
        parts.append(f"the first {warmup:,} as a warm-up")
    if finalists := search["finalists"]:
        parts.append(f"{finalists:,} finalists")
    return ", ".join(parts)


def _training(training: Mapping[str, Any], weights: str) -> str:
    seconds = training["seconds"]
    time = "time not measured" if seconds is None else f"about {duration(seconds)}"
    return f"{time}, {count_text(training['weights'])} {weights}, {training['steps']:,} steps"


def _changed(changed: Mapping[str, Sequence[Any]], retraining: Mapping[str, Any]) -> str:
    """The settings of the network that are others than in the search."""
    met: list[str] = []
    if (weights := retraining["weight_limit"]) is not None:
        met.append(f"retrain.weight_limit={weights}")
    if (limit := retraining.get("limit")) is not None:
        met.append(f"retrain.limit={{cost: {limit['cost']}, maximum: {limit['maximum']:.12g}}}")
    pairs = [f"{name} {new} (search: {old})" for name, (old, new) in changed.items()]
    verb = "is" if len(met) == 1 else "are"
    return ", ".join(pairs) + (f", so that {' and '.join(met)} {verb} met" if met else "")


def _named(names: Sequence[object], count: int) -> str:
    """The first names, and how many more there are."""
    shown = printable(", ".join(map(str, names[:NAMED])))
    return shown if count <= NAMED else f"{shown} and {count - NAMED:,} more"
