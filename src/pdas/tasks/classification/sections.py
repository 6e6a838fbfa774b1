"""The part of the report about a classifier: its recall, its confusions, some of its mistakes.

The page has the same length for ten classes and for a thousand: of many classes it shows the worst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdas.runs.run import Run
from pdas.support.metrics import is_number
from pdas.tasks.classification.metrics import RECALL, TEST_ERROR
from pdas.tasks.section import Picture, Section, Table

_MOST = 20  # classes of which all are shown; of more, as many of the worst
_LONGEST = 32  # letters of the name of a class in a table
_FEW = 10  # classes whose confusion matrix is shown without being asked for


@dataclass(frozen=True)
class _Class:
    """A class: its test images, how many of them are found, and what they are put into."""

    name: str
    images: int
    recall: float | None
    predicted: Mapping[str, int]


def sections(retraining: Path, result: Mapping[str, object]) -> list[Section]:
    """Recall by class, the confusion matrix, and the most confident mistakes, if they are known.

    Args:
        retraining: the directory; the picture of the mistakes is drawn into it.
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
        RunError: `mistakes.npz` is damaged.
    """
    tables = figures_by_class(result)
    if not tables:
        return []
    names = [_short(each.name) for each in _classes(result["by_class"])]
    title = f"Test images of {retraining.name}"
    return [Section(title, tables=tables), *_mistakes(retraining, names)]


def figures_by_class(result: Mapping[str, object]) -> list[Table]:
    """Recall by class and the confusion matrix; none of a result of another task.

    Args:
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
    """
    if TEST_ERROR.key not in result or "by_class" not in result:
        return []
    classes = _classes(result["by_class"])
    return [_recall_table(classes), _confusion_table(classes)]


def _recall_table(classes: Sequence[_Class]) -> Table:
    shown, title = classes, "Recall by class"
    if len(classes) > _MOST:
        known = [each for each in classes if each.recall is not None]
        shown = sorted(known, key=lambda each: each.recall or 0.0)[:_MOST]
        title = f"The {len(shown)} classes of the lowest recall, of {len(classes):,}"
    rows = [(_short(each.name), _recall_text(each), str(each.images)) for each in shown]
    return Table(["class", RECALL.heading, "test images"], rows, title)


def _confusion_table(classes: Sequence[_Class]) -> Table:
    """The matrix; of many classes the most frequent pairs."""
    if len(classes) > _MOST:
        return _frequent_confusions(classes)
    names = [each.name for each in classes]
    rows = [
        (_short(each.name), *(str(each.predicted.get(name, 0)) for name in names))
        for each in classes
    ]
    title = "Confusion matrix: predicted classes across"
    return Table(["true class", *map(_short, names)], rows, title, is_open=len(names) <= _FEW)


def _frequent_confusions(classes: Sequence[_Class]) -> Table:
    confused = sorted(
        (
            (count, each.name, other, each.images)
            for each in classes
            for other, count in each.predicted.items()
            if other != each.name
        ),
        key=lambda pair: -pair[0],
    )
    rows = [
        (_short(true), _short(predicted), f"{count} of {images}")
        for count, true, predicted, images in confused[:_MOST]
    ]
    title = f"The {len(rows)} most frequent confusions"
    return Table(["true class", "predicted class", "test images"], rows, title)


def _mistakes(retraining: Path, classes: Sequence[str]) -> Iterator[Section]:
    from pdas.tasks.classification.mistakes import FILE, draw_mistakes, read_mistakes

    if not Run(retraining).has(FILE):
        return
    mistakes = read_mistakes(retraining, len(classes))
    yield Section(
        f"Most confident mistakes of {retraining.name}",
        paragraphs=["Look at these first: some may be labelled wrongly."],
        tables=[mistakes.table(classes)],
        pictures=[Picture(draw_mistakes(mistakes, retraining), "Test images by their number")],
    )


def _recall_text(each: _Class) -> str:
    return "no test images" if each.recall is None else RECALL.number(each.recall)


def _short(name: str) -> str:
    """The name of a class, cut where it would make a table too wide."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _classes(value: object) -> list[_Class]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"by_class is {type(value).__name__}, not a mapping with classes")
    return [_class(str(name), figures) for name, figures in value.items()]


def _class(name: str, figures: object) -> _Class:
    if not isinstance(figures, Mapping):
        raise ValueError(f"by_class: {name} is {type(figures).__name__}, not a mapping")
    images, recall, predicted = (figures[key] for key in ("images", "recall", "predicted"))
    if not (_is_count(images) and (recall is None or is_number(recall))):
        raise ValueError(f"by_class: {name} has images {images!r} and recall {recall!r}")
    if not (isinstance(predicted, Mapping) and all(map(_is_count, predicted.values()))):
        raise ValueError(f"by_class: predicted of {name} is no mapping to counts")
    return _Class(name, images, recall, predicted)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
