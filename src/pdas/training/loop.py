"""The loop of every training, of a search or a retraining: steps, progress, checkpoints."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from pdas.distributed.ranks import Ranks
from pdas.resume.batches import ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.frozen import Frozen
from pdas.resume.lost_workers import lost_workers_named
from pdas.resume.resumable import Resumable, Stateful
from pdas.resume.signals import StoppedError
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.training.forecast import Forecast, Moment
from pdas.training.measures import RunningMean, is_number
from pdas.training.steps import Step, steps_of
from pdas.training.stopping import DECIDED, EarlyStop, Rule, Stopwatch
from pdas.training.weights.training import WeightTraining


@dataclass(frozen=True)
class Progress:
    """The state of a training after a step.

    Attributes:
        step: the current one, from 1.
        epoch: the current one, from 1.
        steps: of the whole training.
        measures: means over the current epoch: "loss", and other measures of the loss. A search
            adds those of the theta batches, with the prefix "theta_". It also adds the current
            values that its method reports, such as "convergence" and "eta".
        learning_rate: of the weights in this step; None where no weights are trained.
        seconds: that the training has taken.
        seconds_left: that it will take from here, about, with the finalists of a search; None
            until a pace is known, and in a history.

    Example:
        def show(progress):
            print(progress.step, progress.measures["loss"])

        pdas.search(net, loss, data, on_step=show)
    """

    step: int
    epoch: int
    steps: int
    measures: dict[str, float]
    learning_rate: float | None
    seconds: float
    seconds_left: float | None = field(default=None, compare=False)

    def row(self) -> dict[str, float | int]:
        """The row of `metrics.csv`, a value for each column."""
        rate = {} if self.learning_rate is None else {"learning_rate": self.learning_rate}
        first = {"step": self.step, "epoch": self.epoch}
        return first | self.measures | rate | {"seconds": self.seconds}


RESERVED = {"step", "epoch", "steps", "learning_rate", "seconds"}  # of `Progress`
OnStep = Callable[[Progress], "bool | None"]
"""Called after every step. If it returns True, the training stops after this step."""

Update = Callable[[Step, Any], Mapping[str, float]]
"""From a step and its batch to what was measured; it updates what is trained."""


class History:
    """The progress at the end of each epoch.

    Attributes:
        epochs: one entry for each epoch that has ended.

    Example:
        history = History()
        history.epochs.append(progress)
    """

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
        frozen: what must be the same when the training is resumed, and on all ranks.
        batches: passes over the data without end.
        steps: of the whole training.
        weights: what trains the weights; None where none are trained.
        ranks: the processes of the training.
        checkpoints: where the state is kept; None keeps nothing.
        components: what else changes, by its name in a checkpoint.
        must_match: what has to be the same on all ranks, by its name in an error.
        keeps_every_step: whether there is a checkpoint after each step, not just now and then.
        forecast: of the time left; by default all that is ahead are steps of the same cost.

    Attributes:
        watch: the time that the training has taken.
        early: whether the steps ended before the planned ones, and why.
        steps_are_done: whether no step is left, of those planned or after an early end.
        was_interrupted: whether Ctrl-C has ended it; see `interruptible`.

    Example:
        loop = Loop("retrain", frozen, batches, 100, weights, ranks, None,
                    components={"network": net}, must_match={"weights": net})
        loop.run(lambda step, batch: {"loss": train_on(batch)})
    """

    def __init__(
        self,
        stage: str,
        frozen: Frozen,
        batches: ResumableBatches,
        steps: int,
        weights: WeightTraining | None,
        ranks: Ranks,
        checkpoints: Checkpoints | None,
        *,
        components: Mapping[str, Stateful],
        must_match: Mapping[str, Stateful],
        keeps_every_step: bool = False,
        forecast: Forecast | None = None,
    ) -> None:
        self._batches = batches
        self._keeps_every_step = keeps_every_step
        self._steps = steps
        self._forecast = forecast or Forecast(steps)
        self._weights = weights
        self._history = History()
        self._mean = RunningMean()
        self._last: Progress | None = None  # of the last step that this process has done
        self.steps_are_done = False
        self.was_interrupted = False
        self.watch = Stopwatch()
        self.early = EarlyStop(stage, ranks)
        self._resumable = Resumable(
            checkpoints,
            frozen,
            {
                **components,
                **({} if weights is None else weights.components()),
                "batches": batches,
                "history": self._history,
                "mean": self._mean,
                "watch": self.watch,
                "early": self.early,
            },
            ranks,
            must_match=must_match,
        )

    @property
    def history(self) -> list[Progress]:
        """The progress at the end of each epoch."""
        return self._history.epochs

    def run(
        self,
        update: Update,
        *,
        report: Callable[[], Mapping[str, float]] = dict,
        on_step: OnStep = lambda progress: None,
        on_epoch: Callable[[Sequence[Progress]], None] = lambda history: None,
        on_resume: Callable[[Sequence[Progress]], None] = lambda history: None,
        rules: Mapping[str, Rule] = MappingProxyType({}),
        afterwards: Callable[[], Iterator[bool]] | None = None,
    ) -> None:
        """Run all steps that are not done yet.

        Args:
            update: called with every step and its batch.
            report: further measures of a step, of which no mean is taken.
            on_step: called after every step. If it returns True, this step is the last one.
            on_epoch: called with the history after every epoch.
            on_resume: called with the history when a checkpoint was restored.
            rules: that end the steps early, by the reason that `early` gives then. They are asked
                after every step but the last one, after `on_epoch`.
            afterwards: the work after the steps, in parts. It yields after each part whether that
                was the last. Between parts it can be stopped, as between steps.

        Raises:
            StoppedError: Ctrl-C has ended the training, or with checkpoints SIGTERM.
            RunError: a checkpoint cannot be written, all are damaged, or they are of another
                training.
            RankError: the ranks do not match, or one is lost.
            DataError: a process that loads data was killed.
        """
        with lost_workers_named(), self._resumable.stoppable() as stop:
            done = self._resumable.restore()
            if self.history:
                on_resume(self.history)
            for step, batch in () if self.early.reason else self._steps_after(done):
                self._mean.add(update(step, batch))
                self._last = self._progress(step, report())
                answer = on_step(self._last)
                done = step.step
                is_last = done == self._steps
                if step.ends_epoch:
                    self.end_epoch(on_epoch)
                agreed = None
                if not is_last:
                    flags = self._resumable.flags(stop)
                    is_last, agreed = self.early.decide(
                        self._last, self.history, rules, answer, flags
                    )
                    if is_last:
                        self.end_epoch(on_epoch)
                self.steps_are_done = is_last
                kept = is_last and (afterwards is None or self.early.reason is not None)
                self._resumable.after(done, kept or self._keeps_every_step, stop, agreed)
                if is_last:
                    break
            self.steps_are_done = True
            if afterwards is not None:
                # Checkpoints of these parts get the numbers after the last step.
                for number, is_last in enumerate(afterwards(), start=done + 1):
                    self._resumable.after(number, is_last, stop)

    @contextmanager
    def interruptible(
        self, returns: bool, on_epoch: Callable[[Sequence[Progress]], None]
    ) -> Iterator[None]:
        """Within it, Ctrl-C ends the training early, without an error, if it `returns`.

        Args:
            returns: whether it does.
            on_epoch: called with the history, with the epoch that ends there.
        """
        try:
            yield
        except StoppedError as stopped:
            if not returns or stopped.number != signal.SIGINT:
                raise
            self.end_epoch(on_epoch)
            self.was_interrupted = True

    def end_epoch(self, on_epoch: Callable[[Sequence[Progress]], None]) -> None:
        """Let the current epoch end with the last step, unless it has ended already."""
        if self._last is not None and self.history[-1:] != [self._last]:
            self.history.append(replace(self._last, seconds_left=None))
            on_epoch(self.history)
            self._mean.clear()

    def _steps_after(self, done: int) -> Iterator[tuple[Step, Any]]:
        return steps_of(self._batches, self._steps, done)

    def _progress(self, step: Step, reported: Mapping[str, float]) -> Progress:
        rate = None
        if self._weights is not None:
            rate = self._weights.learning_rate
            self._weights.end_step()
        seconds = self.watch.seconds()
        measures = _joined(self._mean.values(), reported)
        return Progress(
            step=step.step,
            epoch=step.epoch,
            steps=step.steps,
            measures=measures,
            learning_rate=rate,
            seconds=seconds,
            seconds_left=self._forecast(Moment(step.step, seconds, measures.get(DECIDED))),
        )


def _joined(measured: dict[str, float], reported: Mapping[str, float]) -> dict[str, float]:
    """What the loss measured, and what the method reports of itself."""
    for name in RESERVED & {*measured, *reported}:
        refuse(
            SettingError,
            "measures",
            found=f"a measure {name!r}, which is a column of its own",
            expected="another name",
            remedy="rename it in the loss, or in measures() of the method",
        )
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
