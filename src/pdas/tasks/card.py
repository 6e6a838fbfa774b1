"""What a task says in the model card of a network, as data: the card knows how to write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pdas.tasks.section import Table


@dataclass(frozen=True)
class CardPart:
    """What only the task knows of a network.

    Attributes:
        what: the network is, a noun, as "classifier of images with 10 classes".
        usage: Python that uses `network`, which `pdas.load` gave.
        pipeline: the name of the task on the Hugging Face hub; empty for none.
        metrics: figures on the test images, by their names there.
        data: which images there were.
        results: of the test images.
        limits: sentences on what it cannot do.

    Example:
        CardPart("counter of blobs", "network(images)", limits=["It counts at most 20."])
    """

    what: str = "network"
    usage: str = "network"
    pipeline: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: Sequence[Table] = ()
    results: Sequence[Table] = ()
    limits: Sequence[str] = ()
