"""What the model card of a network that restores images says."""

from __future__ import annotations

from collections.abc import Mapping

from pdas.support.metrics import is_number
from pdas.tasks.card import CardPart
from pdas.tasks.inpainting.metrics import METRICS
from pdas.tasks.inpainting.sections import tables

USAGE = """\
# hidden: bool (H, W), True where a pixel is to be replaced
network.restore("photo.jpg", hidden)  # uint8 (1, C, H, W)"""


def card(result: Mapping[str, object]) -> CardPart:
    """The quality of the restored images.

    Args:
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
    """
    figures = {metric.key: result.get(metric.key) for metric in METRICS}
    return CardPart(
        what="network that restores hidden pixels of images",
        usage=USAGE,
        pipeline="image-to-image",
        metrics={key: value for key, value in figures.items() if is_number(value)},
        results=list(tables(result)),
        limits=[
            "It was trained with one kind of mask; others may be restored worse.",
            "What it puts into an image is plausible at best: nothing there was seen.",
        ],
    )
