"""The directory of a training of one's own, in that of its search: the files of a recipe's.

So it is a part of the report of that search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from pdas.retraining.result import RetrainingResult
from pdas.retraining.settings import NetworkTrainingSettings
from pdas.runs.own import own_directory
from pdas.runs.run import Run
from pdas.searches.progress_file import progress_file
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import Settings
from pdas.training.loop import OnStep

OnEpoch = Callable[[RetrainingResult], None]


class OwnTrainingRecipe(Settings):
    """What stands for the recipe in `config.yaml`.

    Example:
        OwnTrainingRecipe(name="retrain-0", retrain=settings)
    """

    name: str
    retrain: NetworkTrainingSettings


class OwnTrainingRun:
    """Writes the files of a training as it goes.

    Args:
        run: the directory; None writes nothing.
        on_step: wraps what is called after each step.

    Example:
        with own_training_run("runs/mine/retrain-0", network, settings, 0) as run:
            run.epochs(on_epoch)
    """

    def __init__(
        self, run: Run | None = None, on_step: Callable[[OnStep], OnStep] = lambda then: then
    ) -> None:
        self._run = run
        self.steps = on_step

    def epochs(self, on_epoch: OnEpoch) -> OnEpoch:
        """What is called after each epoch: the measures are written, then comes the user's.

        Args:
            on_epoch: of the user.
        """
        if (run := self._run) is None:
            return on_epoch

        def write(result: RetrainingResult) -> None:
            run.write_metrics([progress.row() for progress in result.history])
            on_epoch(result)

        return write

    def finished(self, result: RetrainingResult, network: nn.Module, seed: int) -> None:
        """Write the weights, and what the training came to.

        Args:
            result: of the whole training.
            network: with its best weights.
            seed: of the training.

        Raises:
            RunError: a file cannot be written.
        """
        if (run := self._run) is None:
            return
        run.write_weights(network)
        about: dict[str, Any] = {
            "params": sum(weight.numel() for weight in network.parameters()),
            "seed": seed,
            "seconds": result.seconds,
            "stopped": result.stopped,
        }
        if result.history:
            about |= {"best_epoch": result.best_epoch, **result.best.measures}
        run.write_json("result.json", about)


@contextmanager
def own_training_run(
    out: str | PathLike[str] | None,
    network: nn.Module,
    settings: NetworkTrainingSettings,
    seed: int,
    *,
    writes: bool = True,
    continues: bool = False,
) -> Iterator[OwnTrainingRun]:
    """Make the run directory of a training, or continue in that of the same training.

    After an error before the first epoch, what was written is removed.

    Args:
        out: a new directory in that of a search, as `retrain-0`; None for none.
        network: that is trained.
        settings: of the training.
        seed: of the training.
        writes: whether this rank writes.
        continues: whether `out` may be there, since the training has checkpoints.

    Raises:
        SettingError: the directory is not in that of a search.
        RunError: the directory is taken, or cannot be written.
    """
    if out is None or not writes:
        yield OwnTrainingRun()
        return
    run = Run(Path(out))
    if run.stage != "retraining":
        refuse(
            SettingError,
            "out",
            found=str(run.path),
            expected="retrain-0 or the like in the run directory of a search",
            remedy="give that of pdas.search(..., out=)",
        )
    recipe = OwnTrainingRecipe(name=run.name, retrain=settings)
    with (
        own_directory(run, recipe, type(network).__name__, seed, continues=continues),
        progress_file(run) as file,
    ):
        yield OwnTrainingRun(run, file.on_step)
