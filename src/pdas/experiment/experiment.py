"""The experiment of a recipe by stages: search, retrain, evaluate. Each fills a run directory.

Settings and data are checked before a directory is made. All ranks run the same code; the run
directory writes on the first rank only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pdas.distributed.exchange.messages import wait_for_all
from pdas.distributed.numerics import numerics, uses_tf32
from pdas.distributed.ranks import Ranks
from pdas.experiment.check import FILE as CHECK
from pdas.experiment.check import Check, OnCheck, check
from pdas.experiment.latency import found_latency, found_multiply_adds, keep_latencies
from pdas.experiment.loggers import check_logger
from pdas.experiment.preparation import Opened, check_batches, open_all, prepare, set_kernels
from pdas.experiment.stage_directory import (
    Origin,
    check_split,
    check_test_images,
    stage_directory,
)
from pdas.experiment.trainings import retrain_into, search_into
from pdas.runs.run import AVERAGED, Run
from pdas.searches.comparison import OnTrial
from pdas.space import load_labels
from pdas.support.errors import SpaceError
from pdas.support.refusals import check_integer
from pdas.support.settings import LARGEST_SEED
from pdas.tasks.loading import fitted
from pdas.tasks.recipe import Recipe, recorded
from pdas.tasks.results import metrics_of, of_averaged
from pdas.training.loop import OnStep
from pdas.training.memory import enough_memory

if TYPE_CHECKING:
    from pdas.tasks.base import Retraining
    from pdas.training.retrain import TrainingModule

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn. Which
    images are in use, which of them are for the test, and the masks of these are decided by
    `data.split_seed`. Devices and images are opened once, by the first stage that needs them.

    Attributes:
        recipe: all settings.
        seed: see above.
        data_dir: the directory of the images, for data sets that need it.
        logger: "tensorboard" or "wandb", where the measures of every epoch go beside `metrics.csv`.
        download: whether a data set may be written into `data_dir`. Nothing should be if the
            directory is named by a file of someone else.

    Raises:
        SettingError: the logger is not installed, or a batch cannot be divided as the recipe says.

    Example:
        experiment = Experiment(recipes.load("digits"))
        experiment.retrain(experiment.search(Path("runs/digits-0")))
    """

    recipe: Recipe
    seed: int = 0
    data_dir: Path | None = None
    logger: str | None = None
    download: bool = True

    def __post_init__(self) -> None:
        check_integer("seed", self.seed, 0, "give 0 or 1", LARGEST_SEED)
        check_logger(self.logger)
        check_batches(self.recipe)

    def directory(self, *about: str) -> Path:
        """The run directory where none is named: `runs/<recipe>-<seed>`.

        Args:
            about: goes between the two.
        """
        return Path("runs") / "-".join([self.recipe.name, *about, str(self.seed)])

    def check(self) -> Check:
        """What is known before the start: see `pdas.experiment.check.check`; nothing is written."""
        prepared = prepare(self.recipe, self.seed, self._opened, Path(os.devnull))
        return check(self.recipe, self.seed, self._opened, prepared)

    def search(
        self,
        out: Path,
        on_step: OnStep = lambda progress: None,
        on_trial: OnTrial = lambda finalists, done, total: None,
        *,
        resume: bool = False,
        on_check: OnCheck | None = None,
    ) -> Run:
        """Search an architecture into the run directory `out`.

        With a method that does not train, as "random", everything after it is the same.

        Args:
            out: a new directory.
            on_step, on_trial: as of `pdas.search`.
            resume: whether `out` may also be a directory where this search was stopped. The search
                continues there, and ends with the same result as without the stop.
            on_check: called with the result of `check` before the first step; it goes into the
                report, too. By default a new search is not checked.

        Returns:
            The run of `out`.

        Raises:
            DataError, SettingError: the data or a setting does not fit, or differs from that of the
                search that is to be resumed.
            RunError: `out` is taken, or cannot be written.
            NotLearnedError: with a warm-up, the shared weights learned nothing.
            NonFiniteLossError: no architecture of a step had a finite loss.
            OutOfMemoryError: a step needs more memory than there is.
            RankError: of several ranks one ended, hung, or computes something else.
            StoppedError: Ctrl-C or SIGTERM ended it after a step.
        """
        opened = self._opened
        prepared = prepare(self.recipe, self.seed, opened, out)
        kernels = set_kernels(prepared.network, self.recipe, opened.fabric.device)
        origin = self._origin(kernels, **opened.fingerprints)
        with stage_directory(out, "--out", origin, opened.fabric, resume=resume) as run:
            if run is not None:
                if on_check is not None and not (out / CHECK).exists():
                    found = check(self.recipe, self.seed, opened, prepared)
                    run.write_json(CHECK, found.to_json())
                    on_check(found)
                if prepared.latencies is not None:
                    keep_latencies(run, prepared.latencies)
                architecture, summary = search_into(
                    run,
                    self.recipe,
                    self.seed,
                    opened,
                    prepared,
                    logger=self.logger,
                    on_step=on_step,
                    on_trial=on_trial,
                )
                about = {
                    "method": self.recipe.search.method.name,
                    "seed": self.seed,
                    "tf32": self._uses_tf32,
                }
                run.write_json("search.json", about | summary)
                run.write_architecture(architecture)
        wait_for_all(opened.fabric)  # the others read what the first has written
        return Run(out)

    def retrain(
        self, run: Run, on_step: OnStep = lambda progress: None, *, resume: bool = False
    ) -> Run:
        """Retrain the architecture of a run from fresh weights, into its `retrain-<seed>/`.

        The network of the last step is evaluated on the test images.

        Args:
            run: of a finished search.
            on_step: as of `pdas.search`.
            resume: whether a retraining with this seed that was stopped may continue, as in
                `search`.

        Returns:
            The run of the retraining.

        Raises:
            SettingError: no width meets the weight limit, or the test images would not be those of
                the run, which its search has not seen.
            RunError: the search of the run has not finished.
            OutOfMemoryError: a step or the evaluation needs more memory than there is.
            PdasError: whatever else `search` raises.
        """
        file = run.architecture_file()
        check_split(self.recipe, recorded(run)[0])
        task, fabric = self._opened.task, self._opened.fabric
        images = self._opened.fingerprints
        check_test_images(run, images["test_images"])
        architecture = task.space.load(file)
        torch.manual_seed(self.seed)
        training = task.retraining(architecture, self.seed)
        path = run.inner(f"retrain-{self.seed}")
        network, device = training.module.network, fabric.device
        kernels = set_kernels(network, self.recipe, device, retraining=True)
        origin = self._origin(kernels, **images, architecture=architecture.to_dict())
        with stage_directory(path, "--seed", origin, fabric, resume=resume) as retrained:
            if retrained is not None:
                stopped, averaged = retrain_into(
                    retrained,
                    self.recipe,
                    self._opened,
                    training,
                    logger=self.logger,
                    on_step=on_step,
                )
                about = {
                    "seed": self.seed,
                    "stopped": stopped,
                    "tf32": self._uses_tf32,
                    "architecture": architecture.to_dict(),
                }
                self._finish(training, averaged, retrained, about)
        return Run(path)

    def retrain_file(
        self,
        file: Path,
        out: Path,
        on_step: OnStep = lambda progress: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Retrain the architecture of a JSON file, in the run directory `out`.

        Args:
            file: of an architecture, which may come from other data and from a space with another
                number of nodes or layers.
            out: a new directory.
            on_step, resume: as of `retrain`.

        Returns:
            The run of `out`.

        Raises:
            SpaceError: the file holds no architecture of the recipe's family and choices.
            PdasError: whatever `retrain` raises.
        """
        labels = load_labels(file)
        try:
            recipe, architecture = fitted(self.recipe, labels)
        except SpaceError as error:
            raise SpaceError(f"architecture file {file}: {error}") from None
        experiment = replace(self, recipe=recipe)
        fabric = experiment._opened.fabric
        origin = experiment._origin(None, architecture=architecture.to_dict())
        with stage_directory(out, "--out", origin, fabric, resume=resume) as run:
            if run is not None:
                run.write_json("search.json", {"method": f"file: {file}"})
                run.write_architecture(architecture)
            wait_for_all(fabric)  # the others read what the first has written
            experiment.retrain(Run(out), on_step, resume=resume)
        return Run(out)

    def evaluate(self, retrained: Run) -> dict[str, Any]:
        """Measure a retrained network again, from its files, on the test images.

        Args:
            retrained: the run of the retraining.

        Returns:
            The measures by name, as in `result.json`.

        Raises:
            DataError: these are not the test images of the run.
            OutOfMemoryError: the evaluation needs more memory than there is.
        """
        one = self.recipe.device.model_copy(update={"devices": 1, "machines": 1})
        recipe = self.recipe.model_copy(update={"device": one})
        task = replace(self, recipe=recipe)._opened.task
        check_test_images(retrained, task.test_images.fingerprint())
        with numerics(one), enough_memory(_evaluation_too_large):
            return task.evaluate_saved(retrained)

    @cached_property
    def _opened(self) -> Opened:
        return open_all(self.recipe, self.data_dir, self.download)

    @property
    def _uses_tf32(self) -> bool:
        return uses_tf32(self.recipe.device, self._opened.fabric.device)

    def __getstate__(self) -> dict[str, Any]:
        # The processes of a sweep open devices and images themselves.
        return {name: value for name, value in self.__dict__.items() if name != "_opened"}

    def _finish(
        self,
        training: Retraining,
        averaged: TrainingModule[Any] | None,
        retrained: Run,
        about: Mapping[str, Any],
    ) -> None:
        """Write the weights, what the network comes to on the test images, and what it costs.

        Of several ranks each may evaluate its share, and the first does the rest alone, however
        long that takes.
        """
        network, fabric, task = training.module.finished(), self._opened.fabric, self._opened.task
        retrained.write_weights(network)
        ranks = Ranks(fabric)
        with enough_memory(_evaluation_too_large):
            with numerics(self.recipe.device):
                measures = task.evaluate_on(ranks, network, retrained)
                if averaged is not None:
                    beside = averaged.finished()
                    retrained.write_weights(beside, AVERAGED)
                    found = task.evaluate_on(ranks, beside, Run(retrained.path, writes=False))
                    measures |= of_averaged(found, metrics_of(self.recipe.model_dump(mode="json")))
            if not retrained.writes:
                return
            example = task.example
            cost = {
                **found_multiply_adds(network, example, fabric),
                **found_latency(network, example, self.recipe, fabric),
            }
        retrained.write_json("result.json", {**measures, **cost, **training.about, **about})

    def _origin(self, kernels: str | None, **about: Any) -> Origin:
        """What a stage begins with."""
        if kernels:
            _log.info("kernels: %s", kernels)
        return Origin(self.recipe, self.seed, self.data_dir, about, kernels)


def _evaluation_too_large() -> str:
    return (
        "the evaluation on the test images does not fit; free memory on the device, or use another"
    )
