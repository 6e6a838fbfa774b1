"""The experiment of a recipe by stages, search, retrain, evaluate; each fills a run directory.

All that can be wrong with settings and data is found before a directory is made. Of several ranks
all do the same; the run directory writes on the first alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pdas.distributed.devices import check_samples, determinism, fresh_precision, open_fabric
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import check_equal_parts
from pdas.distributed.ranks import rank_zero_first
from pdas.experiment.epoch_writer import epochs_of, epochs_of_search
from pdas.experiment.latency import keep_latencies, latencies_of
from pdas.experiment.loggers import check_logger
from pdas.experiment.stage_directory import (
    Origin,
    check_split,
    check_test_images,
    stage_directory,
)
from pdas.nn.counting.latency import Latencies, measured
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.searches.finals import OnTrial
from pdas.searches.method import method_for
from pdas.searches.run_search import run_search
from pdas.space import Architecture, load_labels
from pdas.support.errors import SpaceError
from pdas.tasks.base import Task
from pdas.tasks.constraints import Costs, limits_of, penalty_of
from pdas.tasks.loading import fitted, open_task
from pdas.tasks.recipe import Recipe, recorded
from pdas.training.loop import OnStep
from pdas.training.memory import enough_memory
from pdas.training.retrain import retrain

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod
    from pdas.methods.constraints.penalty import Penalty


@dataclass(frozen=True)
class Opened:
    """The devices of an experiment, and its task with the data on them."""

    fabric: Fabric
    task: Task

    @property
    def fingerprints(self) -> dict[str, str]:
        """What tells whether the images are the same."""
        return {
            "training_images": self.task.training_images.fingerprint(),
            "test_images": self.task.test_images.fingerprint(),
        }


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn, but not
    which images are in use, which of them are for the test, and the masks of these: that is
    `data.split_seed`. Devices and images are opened once, by the first stage that needs them.

    Attributes:
        logger: "tensorboard" or "wandb", where the measures of every epoch go beside `metrics.csv`.
        download: whether a data set may be written into `data_dir`, which nothing should if that
            comes from a file of someone else.

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
        check_logger(self.logger)
        self._check_batches()

    def search(
        self,
        out: Path,
        on_step: OnStep = lambda progress: None,
        on_trial: OnTrial = lambda finalists, done, total: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Search an architecture into the run directory `out`.

        A method that needs no search, as "random", leaves everything after it the same.

        Args:
            out: a new directory, or with `resume` also one where this search was stopped; then it
                continues from there, and ends as if it had not been.
            on_step, on_trial: as of `pdas.search`.

        Raises:
            DataError, SettingError: the data or a setting does not fit, or is another one than that
                of the search that is to be resumed.
            RunError: `out` is taken, or cannot be written.
            NotLearnedError: with a warm-up, the shared weights learned nothing.
            NonFiniteLossError: no architecture of a step had a finite loss.
            OutOfMemoryError: a step needs more memory than there is.
            RankError: of several ranks one ended, hung, or computes something else.
            StoppedError: Ctrl-C or SIGTERM ended it after a step.
        """
        if self.recipe.search.method.trains:
            check_samples("samples", self.recipe.search.samples, self.recipe.device.ranks)
        opened = self._opened
        batches = opened.task.search_batches(self.seed)
        supernet = cache(self._supernet)
        costs = Costs(supernet, opened.task.example, partial(self._latencies, supernet, out))
        method, penalty = self._method(costs)
        opened.task.check_retraining(None if method.trains else method.best())
        if method.trains:
            supernet()
        origin = self._origin(**opened.fingerprints)
        with stage_directory(out, "--out", origin, opened.fabric, resume=resume) as run:
            if run is None:
                return Run(out)
            if costs.latencies is not None:
                keep_latencies(run, costs.latencies)
            summary: dict[str, Any] = {"seconds": 0.0, "steps": 0}
            architecture = method.best() if not method.trains else None
            if architecture is None:
                architecture, summary = self._search(
                    supernet(), batches, method, penalty, run, on_step, on_trial
                )
            name = self.recipe.search.method.name
            run.write_json("search.json", {"method": name, "seed": self.seed} | summary)
            run.write_architecture(architecture)
        return Run(out)

    def retrain(
        self, run: Run, on_step: OnStep = lambda progress: None, *, resume: bool = False
    ) -> Run:
        """Retrain the architecture of a run from fresh weights, into its `retrain-<seed>/`.

        The network of the last step is evaluated on the test images. With `resume` a retraining
        that was stopped continues, as in `search`.

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
        origin = self._origin(**images, architecture=architecture.to_dict())
        with stage_directory(path, "--seed", origin, fabric, resume=resume) as retrained:
            if retrained is None:
                return Run(path)
            fresh_precision(fabric)
            with (
                determinism(self.recipe.device),
                epochs_of(retrained, self.logger, "retrain") as write,
            ):
                retrain(
                    training.module,
                    training.batches,
                    self.recipe.retrain,
                    fabric,
                    checkpoints=Checkpoints(retrained.checkpoint_directory),
                    on_step=on_step,
                    on_epoch=write,
                )
            network = training.module.finished()
            retrained.write_weights(network)
            with enough_memory(_evaluation_too_large):
                measures = task.evaluate(network, retrained)
            about = training.about | {"seed": self.seed, "architecture": architecture.to_dict()}
            retrained.write_json("result.json", measures | about)
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

        The architecture may come from other data and another number of nodes or layers.

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
        origin = experiment._origin(architecture=architecture.to_dict())
        with stage_directory(out, "--out", origin, fabric, resume=resume) as run:
            if run is not None:
                run.write_json("search.json", {"method": f"file: {file}"})
                run.write_architecture(architecture)
            experiment.retrain(Run(out), on_step, resume=resume)
        return Run(out)

    def evaluate(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network on the test images, taken again from its files.

        Raises:
            DataError: these are not the test images of the run.
            OutOfMemoryError: the evaluation needs more memory than there is.
        """
        one = self.recipe.device.model_copy(update={"devices": 1, "machines": 1})
        recipe = self.recipe.model_copy(update={"device": one})
        task = replace(self, recipe=recipe)._opened.task
        check_test_images(retrained, task.test_images.fingerprint())
        with enough_memory(_evaluation_too_large):
            return task.evaluate_saved(retrained)

    @cached_property
    def _opened(self) -> Opened:
        """Rank 0 loads the data first, so that a cache is made once; in the end all have them."""
        fabric = open_fabric(self.recipe.device)
        with (
            enough_memory(lambda: "the images do not fit; lower data.image_size"),
            rank_zero_first(fabric),
        ):
            task = open_task(self.recipe, self.data_dir, fabric.device, self.download)
        return Opened(fabric, task)

    def __getstate__(self) -> dict[str, Any]:
        # for the processes of a sweep, which open devices and images themselves
        return {name: value for name, value in self.__dict__.items() if name != "_opened"}

    def _supernet(self) -> nn.Module:
        torch.manual_seed(self.seed)
        with enough_memory(lambda: "the supernet does not fit; lower network.channels"):
            return self._opened.task.supernet()

    def _latencies(self, supernet: Callable[[], nn.Module], out: Path) -> Latencies:
        """Of the derived networks on an example image, on this device."""
        task, fabric = self._opened.task, self._opened.fabric
        derive = task.derive()

        def on_device(architecture: Architecture) -> nn.Module:
            return derive(architecture).to(fabric.device)

        x = fabric.to_device(task.example)
        net: Any = supernet()
        return latencies_of(out, fabric, lambda: measured(net, x, derive=on_device))

    def _method(self, costs: Costs) -> tuple[SearchMethod, Penalty | None]:
        """The method, with limits and a penalty in it, and the penalty."""
        task, settings = self._opened.task, self.recipe.search
        limits, penalty = limits_of(settings, costs), penalty_of(settings, costs)
        method = method_for(
            task.space, None, settings, limits, penalty, self.seed, baseline=task.baseline
        )
        return method, penalty

    def _search(
        self,
        net: nn.Module,
        batches: tuple[Any, Any],
        method: SearchMethod,
        penalty: Penalty | None,
        run: Run,
        on_step: OnStep,
        on_trial: OnTrial,
    ) -> tuple[Any, dict[str, Any]]:
        task, fabric = self._opened.task, self._opened.fabric
        fresh_precision(fabric)
        with (
            determinism(self.recipe.device),
            epochs_of_search(run, self.logger) as write,
        ):
            result = run_search(
                net,
                task.loss,
                batches,
                method,
                self.recipe.search,
                fabric,
                seed=self.seed,
                penalty=penalty,
                checkpoints=Checkpoints(run.checkpoint_directory),
                derive=task.derive(),
                on_step=on_step,
                on_epoch=write,
                on_trial=on_trial,
            )
        if result.finalists:
            table = [finalist.to_json() for finalist in result.finalists]
            run.write_json("finalists.json", {"finalists": table})
        steps = {"seconds": result.seconds, "steps": result.history[-1].step}
        return result.architecture, steps | dict(method.measures())

    def _check_batches(self) -> None:
        """Refuse batches that cannot be shared out."""
        search, retrain = self.recipe.search, self.recipe.retrain
        check_equal_parts("search", search.batch_size, accumulate=search.accumulate)
        check_equal_parts(
            "retrain",
            retrain.batch_size,
            ranks=self.recipe.device.ranks,
            accumulate=retrain.accumulate,
            smallest=retrain.smallest_part,
        )

    def _origin(self, **about: Any) -> Origin:
        return Origin(self.recipe, self.seed, self.data_dir, about)


def _evaluation_too_large() -> str:
    return (
        "the evaluation on the test images does not fit; free memory on the device, or use another"
    )
