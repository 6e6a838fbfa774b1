"""The part of the report about restored images: how good they are, and some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pdas.runs.run import Run
from pdas.support.metrics import Metric, is_number
from pdas.tasks.inpainting.metrics import METRICS
from pdas.tasks.section import Picture, Section, Table

_FEW = 10  # classes that are shown without being asked for
_WORDS = (
    "Mean and standard deviation over the test images. Composited: the known pixels are as they "
    "were given, and only the hidden ones are restored; else the image is as the network gives it."
)


def sections(retraining: Path, result: Mapping[str, object]) -> list[Section]:
    """The quality of the restored images, and a sheet of some of them, if there are any.

    Args:
        retraining: the directory; the sheet is drawn into it.
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
        RunError: `restored.npz` is damaged.
    """
    figures, pictures = list(tables(result)), list(_pictures(retraining))
    if not (figures or pictures):
        return []
    title, words = f"Test images of {retraining.name}", [_WORDS] if figures else []
    return [Section(title, words, tables=figures, pictures=pictures)]


def tables(result: Mapping[str, object]) -> Iterator[Table]:
    """The quality of the restored images, of all and by class, if it is known.

    Args:
        result: the content of `result.json`; that of an earlier version has fewer metrics.

    Raises:
        ValueError, LookupError: the result makes no sense.
    """
    known = [metric for metric in METRICS if metric.key in result]
    if not known:
        return
    yield _table(known, {"network": result, **_named(result, "baselines")})
    if by_class := _named(result, "by_class"):
        yield _table(known, by_class, "The network by class", is_open=len(by_class) <= _FEW)


def _pictures(retraining: Path) -> Iterator[Picture]:
    if Run(retraining).has("restored.npz"):
        from pdas.tasks.inpainting.samples import draw_samples  # needs matplotlib

        caption = "Test images restored best, of the median, and worst"
        yield Picture(draw_samples(retraining), caption)


def _table(
    metrics: Sequence[Metric], named: Mapping[str, object], title: str = "", is_open: bool = True
) -> Table:
    rows = [
        (name, *(_text(metric, measures) for metric in metrics)) for name, measures in named.items()
    ]
    return Table(["", *(metric.heading for metric in metrics)], rows, title, is_open)


def _text(metric: Metric, measures: object) -> str:
    """The mean over the images and the standard deviation, as "26.91 ± 2.50"."""
    if not isinstance(measures, Mapping):
        raise ValueError(f"{measures!r} is no mapping of measures")
    values = measures[metric.key], measures[metric.std_key]
    for value in values:
        if not is_number(value):
            raise ValueError(f"{metric.key} is {value!r}, not a number")
    return " ± ".join(map(metric.number, values))


def _named(result: Mapping[str, object], key: str) -> dict[str, object]:
    """Measures by name, of the baselines or of the classes; empty if there are none."""
    named = result.get(key, {})
    if not isinstance(named, Mapping):
        raise ValueError(f"{key} is {named!r}, not a mapping")
    return {str(name): measures for name, measures in named.items()}
