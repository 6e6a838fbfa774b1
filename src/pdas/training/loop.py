"""The loop of every training, a search or a retraining: steps, epochs, progress, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pdas.distributed.ranks import Ranks
from pdas.resume.batches import ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.resumable import FrozenSettings, Resumable, Stateful
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.training.measures import RunningMean, is_number
from pdas.training.settings import TrainingSettings
from pdas.training.steps import Step, steps_of
from pdas.training.stopwatch import Stopwatch
from pdas.training.weights import WeightTraining


@dataclass(frozen=True)
class Progress:
    """Where a training stands; `on_step` is called with it after every step.

    Attributes:
        step, epoch: the current ones, from 1.
        steps: of the whole training.
        measures: means over the epoch until now, "loss" and whatever else the loss measures; in a
            search with the prefix "theta_" those of the theta batches, and what its method reports,
            as "convergence" and "eta".
        learning_rate: of the weights in this step; None where no weights are trained.
        seconds: that the training has taken.
    """

    step: int
    epoch: int
    steps: int
    measures: dict[str, float]
    learning_rate: float | None
    seconds: float

    def row(self) -> dict[str, float | int]:
        """As a row of `metrics.csv`, with a column for each measure."""
        rate = {} if self.learning_rate is None else {"learning_rate": self.learning_rate}
        first = {"step": self.step, "epoch": self.epoch}
        return first | self.measures | rate | {"seconds": self.seconds}


OnStep = Callable[[Progress], None]
Update = Callable[[Step, Any], Mapping[str, float]]
"""What is done with the batch of a step; returns what it measured."""


class History:
    """The progress at the end of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[Progress] = []

    def state_dict(self) -> list[dict[str, Any]]:
        """All of it, as plain data."""
        return [asdict(progress) for progress in self.epochs]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Continue from `state_dict`."""
        self.epochs[:] = [Progress(**progress) for progress in state]


class Loop:
    """A training that can be stopped after any step and resumed from its last checkpoint.

    Args:
        stage: the group of its settings in a recipe, "search" or "retrain".
        batches: passes over the data without end.
        steps: how many there will be.
        weights: what trains the weights; None where none are trained.
        checkpoints: where the state is kept; None keeps nothing.
        components: what else changes, by its name in a checkpoint.
        must_match: what has to be the same on all ranks, by the name that an error tells.

    Attributes:
        history: the progress at the end of each epoch.
        watch: the time that the training has taken.
    """

    def __init__(
        self,
        stage: str,
        settings: TrainingSettings,
        batches: ResumableBatches,
        steps: int,
        weights: WeightTraining | None,
        ranks: Ranks,
        checkpoints: Checkpoints | None,
        *,
        components: Mapping[str, Stateful],
        must_match: Mapping[str, Stateful],
    ) -> None:
        self._batches = batches
        self._steps = steps
        self._weights = weights
        self._history = History()
        self._mean = RunningMean()
        self.watch = Stopwatch()
        self._resumable = Resumable(
            checkpoints,
            {
                "settings": FrozenSettings(stage, settings),
                **components,
                **({} if weights is None else weights.components()),
                "batches": batches,
                "history": self._history,
                "mean": self._mean,
                "watch": self.watch,
            },
            ranks,
            must_match=must_match,
        )

    @property
    def history(self) -> list[Progress]:
        return self._history.epochs

    def run(
        self,
        update: Update,
        *,
        report: Callable[[], Mapping[str, float]] = dict,
        on_step: OnStep = lambda progress: None,
        on_epoch: Callable[[Sequence[Progress]], None] = lambda history: None,
        on_resume: Callable[[Sequence[Progress]], None] = lambda history: None,
        afterwards: Callable[[], Iterator[bool]] | None = None,
    ) -> None:
        """Run all steps that are not done.

        Args:
            update: called with every step and its batch.
            report: further measures of a step, of which no mean is taken.
            on_step: called after every step.
            on_epoch: called with the history after every epoch.
            on_resume: called with the history when it was restored.
            afterwards: what follows the steps and can be stopped as they can, with a pause after
                each part that tells whether it was the last.

        Raises:
            StoppedError: with checkpoints, Ctrl-C or SIGTERM ended it.
            RunError: a checkpoint cannot be written, none is whole, or it is of another training.
        """
        with self._resumable.stoppable() as stop:
            done = self._resumable.restore()
            if self.history:
                on_resume(self.history)
            for step, batch in steps_of(self._batches, self._steps, done):
                self._mean.add(update(step, batch))
                progress = self._progress(step, report())
                on_step(progress)
                if step.ends_epoch:
                    self.history.append(progress)
                    on_epoch(self.history)
                    self._mean.clear()
                is_last = step.step == step.steps and afterwards is None
                self._resumable.after(step.step, is_last, stop.is_set)
            if afterwards is not None:
                # checkpoints are numbered on from the last step
                for number, is_last in enumerate(afterwards(), start=max(done, self._steps) + 1):
                    self._resumable.after(number, is_last, stop.is_set)

    def _progress(self, step: Step, reported: Mapping[str, float]) -> Progress:
        rate = None
        if self._weights is not None:
            rate = self._weights.learning_rate
            self._weights.end_step()
        return Progress(
            step=step.step,
            epoch=step.epoch,
            steps=step.steps,
            measures=_joined(self._mean.values(), reported),
            learning_rate=rate,
            seconds=self.watch.seconds(),
        )


def _joined(measured: dict[str, float], reported: Mapping[str, float]) -> dict[str, float]:
    """What the loss measured, and what the method reports of itself."""
    for name, value in reported.items():
        if not is_number(value) or name in measured:
            refuse(
                SettingError,
                "measures",
                found=f"{name!r} = {value!r}" + (", which the loss measures" * (name in measured)),
                expected="numbers by names of their own",
                remedy="mend measures() of the method",
            )
    return measured | {name: float(value) for name, value in reported.items()}
