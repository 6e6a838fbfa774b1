"""The result of the training of a network of one's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from pdas.support.display.shown import Shown
from pdas.training.loop import Progress


@dataclass
class RetrainingResult(Shown):
    """What `pdas.retrain` found. The network itself has the best weights.

    Attributes:
        history: the progress at the end of each epoch, with the measures of the validation.
        best_epoch: the one whose weights the network has, from 1: that with the least validation
            loss; without a validation the last one.
        seconds: the time that the training took.
        stopped: why it ended before its planned length, as "patience"; None if it did not.

    Example:
        result = pdas.retrain(network, loss, train, validation)
        result.best.measures["validation_loss"]
    """

    history: list[Progress] = field(default_factory=list, repr=False)
    best_epoch: int = 0
    seconds: float = 0.0
    stopped: str | None = None

    @property
    def best(self) -> Progress:
        """The progress at the end of the best epoch."""
        return self.history[self.best_epoch - 1]
