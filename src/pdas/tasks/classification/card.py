"""What the model card of a classifier says of its classes."""

from __future__ import annotations

from collections.abc import Mapping

from pdas.support.metrics import is_number
from pdas.tasks.card import CardPart
from pdas.tasks.classification.metrics import TEST_ERROR, TOP5_ERROR
from pdas.tasks.classification.sections import figures_by_class
from pdas.tasks.section import Table

USAGE = """\
network.predict("photo.jpg")  # [Prediction(label=..., probability=...)]
network.top(["one.jpg", "two.jpg"], 3)  # the three most probable classes of each"""
FEW = 10  # test images of a class, below which its recall says little


def card(result: Mapping[str, object]) -> CardPart:
    """The classes, with their images and figures.

    Args:
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
    """
    classes = result["classes"]
    if not isinstance(classes, list):
        raise ValueError(f"classes is {type(classes).__name__}, not a list")
    trained, tested = _counts(result.get("trained_on")), _tested(result.get("by_class"))
    rows = [(str(name), _count(trained, name), _count(tested, name)) for name in classes]
    few = sum(count < FEW for count in tested.values())
    limits = [
        "It names one of its classes for every image, also for one that shows none of them.",
        "Its probabilities were not calibrated.",
    ]
    if few:
        limits.append(f"{few} of its classes had fewer than {FEW} test images.")
    return CardPart(
        what=f"classifier of images with {len(classes)} classes",
        usage=USAGE,
        pipeline="image-classification",
        metrics=_metrics(result),
        data=[Table(["class", "training images", "test images"], rows)],
        results=figures_by_class(result),
        limits=limits,
    )


def _metrics(result: Mapping[str, object]) -> dict[str, float]:
    balanced = result.get("balanced_accuracy")
    errors = {"accuracy": TEST_ERROR, "top_5_accuracy": TOP5_ERROR}
    found = {
        name: 1 - error / 100
        for name, metric in errors.items()
        if is_number(error := result.get(metric.key))
    }
    return found | ({"balanced_accuracy": balanced / 100} if is_number(balanced) else {})


def _tested(by_class: object) -> dict[str, int]:
    named = by_class if isinstance(by_class, Mapping) else {}
    return _counts({name: figures["images"] for name, figures in named.items()})


def _counts(value: object) -> dict[str, int]:
    named = value if isinstance(value, Mapping) else {}
    return {str(name): count for name, count in named.items() if isinstance(count, int)}


def _count(counts: Mapping[str, int], name: object) -> str:
    return f"{counts[str(name)]:,}" if name in counts else "unknown"
