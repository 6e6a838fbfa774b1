"""The experiment of a recipe by stages, search, retrain, evaluate; each fills a run directory.

All that can be wrong with settings and data is found before a directory is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from pdas.distributed.devices import check_samples, determinism, open_fabric
from pdas.distributed.micro_batches import check_equal_parts
from pdas.distributed.ranks import agreed, first_alone, wait_for_all
from pdas.experiment.epoch_writer import retraining_records, search_records
from pdas.experiment.loggers import check_logger
from pdas.experiment.stage_directory import Origin, check_split, check_test_images, stage_directory
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.runs.weights import save_weights
from pdas.searches.search import OnTrial, Progress, search
from pdas.space import Architecture, load_labels
from pdas.support.errors import SpaceError
from pdas.tasks.base import Task
from pdas.tasks.recipe import Recipe, recorded
from pdas.tasks.registry import fitted, open_task
from pdas.training.memory import enough_memory
from pdas.training.retrain import RetrainProgress, retrain

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn, but not
    which images are in use, which of them are for the test, and the masks of these: that is
    `data.split_seed`.

    Attributes:
        logger: "tensorboard" or "wandb", where the measures of every epoch go beside `metrics.csv`.
        download: whether a data set may be written into `data_dir`, which nothing should if that
            comes from a file of someone else.
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
        on_step: Callable[[Progress], None] = lambda progress: None,
        on_trial: OnTrial = lambda finalists, done, total: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Search an architecture into the run directory `out`.

        The method "random" draws the architecture uniformly instead, "base" makes the paper's BASE
        of the depth of a given one; both leave everything after it the same.

        Args:
            out: a new directory, or with `resume` also one where this search was stopped; then it
                goes on from there, and ends as if it had not been.
            on_step, on_trial: as of `pdas.search`.

        Raises:
            DataError, SettingError: the data or a setting does not fit, or is another one than that
                of the search that is to go on.
            RunError: `out` is taken, or cannot be written.
            NotLearnedError: with a warm-up, the shared weights learned nothing.
            NonFiniteLossError: no architecture of a step had a finite loss.
            OutOfMemoryError: a step needs more memory than there is.
            RankError: of several ranks one ended, hung, or computes otherwise.
            StoppedError: Ctrl-C or SIGTERM ended it after a step.
        """
        method = self.recipe.search.method
        if method == "pdas":
            check_samples("samples", self.recipe.search.samples, self.recipe.device.ranks)
        fabric = open_fabric(self.recipe.device)
        task = self._task(fabric)
        batches = task.search_batches(self.seed)
        given = None if method == "pdas" else task.control(self.seed)
        task.check_retraining(given)
        net = self._supernet(task) if given is None else None
        origin = self._origin(**_fingerprints(task))
        with stage_directory(out, "--out", origin, fabric, resume=resume) as run:
            if not agreed(fabric, run.is_unfinished):
                run.remove_checkpoints()
                return run
            _log.info("search: begins in %s", run.path)
            if given is not None:
                architecture, summary = given, {"seconds": 0.0, "steps": 0}
            else:
                assert net is not None
                architecture, summary = self._search(
                    task, net, batches, fabric, run, on_step, on_trial
                )
            if fabric.is_global_zero:
                run.write_json("search.json", {"method": method, "seed": self.seed} | summary)
                run.write_architecture(architecture)
                run.remove_checkpoints()
                _log.info("search: ended in %s", run.path)
            wait_for_all(fabric)
        return run

    def retrain(
        self,
        run: Run,
        on_step: Callable[[RetrainProgress], None] = lambda progress: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Retrain the architecture of a run from fresh weights, into its `retrain-<seed>/`.

        The network of the last step is evaluated on the test images. With `resume` a retraining
        that was stopped goes on, as in `search`.
        Raises what `search` does, `OutOfMemoryError` also for the evaluation, `SettingError` if no
        width meets the weight limit, or if the test images would not be those of the run, which its
        search has not seen, and `RunError` if that search has not finished.
        """
        settings = self.recipe.retrain
        file = run.architecture_file()
        check_split(self.recipe, recorded(run)[0])
        fabric = open_fabric(self.recipe.device)
        task = self._task(fabric)
        images = _fingerprints(task)
        check_test_images(run, images["test_images"])
        architecture = task.space.load(file)
        torch.manual_seed(self.seed)
        training = task.retraining(architecture, self.seed)
        path = run.inner(f"retrain-{self.seed}")
        origin = self._origin(**images, architecture=architecture.to_dict())
        with stage_directory(path, "--seed", origin, fabric, resume=resume) as retrained:
            if not agreed(fabric, retrained.is_unfinished):
                retrained.remove_checkpoints()
                return retrained
            _log.info("retraining: begins in %s", path)
            with (
                determinism(self.recipe.device),
                retraining_records(retrained, self.logger, fabric) as record,
            ):
                retrain(
                    training.trainee,
                    training.batches,
                    settings,
                    fabric,
                    checkpoints=Checkpoints(retrained.checkpoint_directory),
                    on_step=on_step,
                    on_epoch=record,
                )
            if not fabric.is_global_zero:
                return retrained
            network = training.trainee.finished()
            about = training.about | {"seed": self.seed, "architecture": architecture.to_dict()}
            save_weights(network, path / "weights.safetensors")
            with enough_memory(_evaluation_too_large):
                measures = task.evaluate(network, path)
            retrained.write_json("result.json", measures | about)
            retrained.remove_checkpoints()
            _log.info("retraining: ended in %s", path)
        return retrained

    def retrain_given(
        self,
        file: Path,
        out: Path,
        on_step: Callable[[RetrainProgress], None] = lambda progress: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Retrain the architecture of a JSON file, in the run directory `out`.

        The architecture may come from other data and another number of nodes or layers.
        Raises what `retrain` does, and `SpaceError` for a file that holds no architecture of the
        recipe's task and choices.
        """
        labels = load_labels(file)
        try:
            recipe, architecture = fitted(self.recipe, labels)
        except SpaceError as error:
            raise SpaceError(f"architecture file {file}: {error}") from None
        experiment = replace(self, recipe=recipe)
        fabric = open_fabric(recipe.device)
        origin = experiment._origin(architecture=architecture.to_dict())
        with stage_directory(out, "--out", origin, fabric, resume=resume) as run:
            if fabric.is_global_zero and run.is_unfinished:
                run.write_json("search.json", {"method": f"given: {file}"})
                run.write_architecture(architecture)
            wait_for_all(fabric)
            experiment.retrain(run, on_step, resume=resume)
        return run

    def evaluate(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network on the test images, taken again from its files.

        Raises `DataError` if these are not the test images of the run, and `OutOfMemoryError`.
        """
        one = self.recipe.device.model_copy(update={"devices": 1, "machines": 1})
        task = self._task(open_fabric(one))
        check_test_images(retrained, task.test_images.fingerprint())
        with enough_memory(_evaluation_too_large):
            return task.evaluate_saved(retrained)

    def _search(
        self,
        task: Task,
        net: nn.Module,
        batches: tuple[Any, Any],
        fabric: Fabric,
        run: Run,
        on_step: Callable[[Progress], None],
        on_trial: OnTrial,
    ) -> tuple[Architecture, dict[str, Any]]:
        with (
            determinism(self.recipe.device),
            search_records(run, self.logger, fabric) as record,
        ):
            result = search(
                net,
                task.loss,
                batches,
                settings=self.recipe.search,
                seed=self.seed,
                fabric=fabric,
                checkpoints=Checkpoints(run.checkpoint_directory),
                derive=task.derive(net),
                on_step=on_step,
                on_epoch=record,
                on_trial=on_trial,
            )
        if result.finalists and fabric.is_global_zero:
            table = [finalist.to_json() for finalist in result.finalists]
            run.write_json("finalists.json", {"finalists": table})
        return result.architecture, {
            "seconds": result.seconds,
            "steps": result.history[-1].step,
            "convergence": result.optimizer.convergence,
        }

    def _supernet(self, task: Task) -> nn.Module:
        torch.manual_seed(self.seed)
        with enough_memory(lambda: "the supernet does not fit; lower network.channels"):
            return task.supernet()

    def _task(self, fabric: Fabric) -> Task:
        """Rank 0 loads the data first, so that a cache is made once; in the end all have them."""
        with (
            enough_memory(lambda: "the images do not fit; lower data.image_size"),
            first_alone(fabric),
        ):
            return open_task(self.recipe, self.data_dir, fabric.device, self.download)

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


def _fingerprints(task: Task) -> dict[str, str]:
    return {
        "training_images": task.training_images.fingerprint(),
        "test_images": task.test_images.fingerprint(),
    }


def _evaluation_too_large() -> str:
    return (
        "the evaluation on the test images does not fit; free memory on the device, or use another"
    )
