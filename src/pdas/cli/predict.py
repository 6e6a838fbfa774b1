"""The command `pdas predict`: the classes of image files, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdas.cli.importing import importing
from pdas.cli.options import RunPath
from pdas.cli.progress import show_wait
from pdas.data.files import by_extension, found_in
from pdas.support.errors import DataError, RunError, printable
from pdas.support.refusals import check_one_of, refuse
from pdas.support.writing.streams import lost

if TYPE_CHECKING:
    from pdas.tasks.public import Prediction

PART = 64  # images that are classified at a time
COLUMNS = ("file", "rank", "label", "probability", "error")


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
        file: its path.
        predictions: the most probable first.
        error: why it could not be read; None if it could.

    Example:
        Outcome("photo.jpg", [Prediction("cat", 0.97)])
    """

    file: str
    predictions: Sequence[Prediction] = ()
    error: str | None = None


def predict(
    run: RunPath,
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGES", help="Image files, or folders of them.")
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes of each image.")] = 1,
    format: Annotated[str, typer.Option(help="text, json or csv.")] = "text",
) -> None:
    """Print the class of each image, by the retrained classifier of a run.

    Its first retraining is used; name RUN/retrain-1 for another. A file that cannot be read is
    named, and the status is then 1.
    """
    check_one_of("--format", format, WRITERS)
    files = [file for path in images for file in _files(path)]
    show_wait(f"prediction by {run}")
    with importing():
        from pdas.tasks.loading import load

    network = load(run)
    if not hasattr(network, "top"):
        refuse(
            RunError,
            "run",
            found=f"{run} with a {type(network).__name__}, which predicts no classes",
            expected="a network that does",
            remedy=f"use pdas.load({str(run)!r}) in Python",
        )
    if WRITERS[format](_outcomes(network, files, top)):
        raise typer.Exit(1)


def _files(path: Path) -> Sequence[str]:
    """A file, or all image files in a folder and below it; what else is there is said."""
    if not path.is_dir():
        return [str(path)]
    found = found_in(path)
    if not found.images:
        refuse(DataError, "images", found=f"none in {path}", expected="image files")
    if found.others:
        _say(f"{path}: passed over {by_extension(found.others)}")
    return found.images


def _outcomes(network: Any, files: Sequence[str], top: int) -> Iterator[Outcome]:
    """What becomes of each file, in their order; an error is said as soon as it is known.

    When nobody reads standard output any more, there are no further ones.
    """
    remaining = iter(files)
    while not lost(sys.stdout) and (part := list(islice(remaining, PART))):
        pixels, errors = {}, {}
        for file in part:
            try:
                pixels[file] = network.read(file)
            except DataError as error:
                errors[file] = str(error)
                _say(errors[file])
        found = dict(zip(pixels, network.top(list(pixels.values()), top), strict=True))
        yield from (Outcome(file, found.get(file, ()), errors.get(file)) for file in part)


def _say(line: str) -> None:
    typer.echo(f"pdas: {printable(line)}", err=True)


# ---- the formats: each writes all outcomes, and returns the number of errors


def _write_text(outcomes: Iterable[Outcome]) -> int:
    errors = 0
    for outcome in outcomes:
        if outcome.error is not None:
            errors += 1
            continue
        ranked = [f"{printable(p.label)}\t{p.probability:.3f}" for p in outcome.predictions]
        typer.echo("\t".join([printable(outcome.file), *ranked]))
    return errors


def _write_json(outcomes: Iterable[Outcome]) -> int:
    found = [
        {"file": outcome.file, "error": outcome.error}
        if outcome.error is not None
        else {"file": outcome.file, "predictions": [vars(p) for p in outcome.predictions]}
        for outcome in outcomes
    ]
    typer.echo(json.dumps(found, indent=2))
    return sum("error" in each for each in found)


def _write_csv(outcomes: Iterable[Outcome]) -> int:
    _write_row(COLUMNS)
    errors = 0
    for outcome in outcomes:
        if outcome.error is not None:
            errors += 1
            _write_row((outcome.file, "", "", "", outcome.error))
        for rank, prediction in enumerate(outcome.predictions, start=1):
            _write_row((outcome.file, rank, prediction.label, prediction.probability, ""))
    return errors


def _write_row(values: Sequence[object]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([printable(str(value)) for value in values])
    typer.echo(text.getvalue(), nl=False)


WRITERS: Mapping[str, Callable[[Iterable[Outcome]], int]] = MappingProxyType(
    {"text": _write_text, "json": _write_json, "csv": _write_csv}
)
