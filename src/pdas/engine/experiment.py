"""The experiment of a recipe by stages, search, retrain, evaluate; each fills a run directory.

All that can be wrong with settings and data is found before a directory is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from pdas.engine.checkpoint import Checkpoints
from pdas.engine.devices import check_parts, check_samples, open_fabric
from pdas.engine.loggers import Rows, check_logger, epoch_log
from pdas.engine.memory import enough_memory
from pdas.engine.open import fitted, open_task
from pdas.engine.ranks import wait_for_all
from pdas.engine.retrain import RetrainProgress, retrain
from pdas.engine.search import Progress, SearchResult, search
from pdas.engine.task import Task
from pdas.errors import DataError, PdasError, SettingError, SpaceError, reason
from pdas.run import Run, new_directory
from pdas.settings import Recipe
from pdas.space import Architecture, load_labels
from pdas.validated import flat
from pdas.weights import save_weights

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn, but not
    which images are in use, which of them are for the test, and the masks of these: that is
    `data.split_seed`.

    Attributes:
        logger: "tensorboard" or "wandb", where the measures of every epoch go beside `metrics.csv`.
    """

    recipe: Recipe
    seed: int = 0
    data_dir: Path | None = None
    logger: str | None = None

    def __post_init__(self) -> None:
        check_logger(self.logger)
        self._check_parts()

    def search(
        self,
        out: Path,
        on_step: Callable[[Progress], None] = lambda progress: None,
        *,
        resume: bool = False,
    ) -> Run:
        """Search an architecture into the run directory `out`.

        The method "random" draws the architecture uniformly instead, "base" makes the paper's BASE
        of the depth of a given one; both leave everything after it the same.

        Args:
            out: a new directory, or with `resume` also one where this search was stopped; then it
                goes on from there, and ends as if it had not been.

        Raises:
            DataError, SettingError: the data or a setting does not fit, or is another one than that
                of the search that is to go on.
            RunError: `out` is taken, or cannot be written.
            NonFiniteLossError: no architecture of a step had a finite loss.
            OutOfMemoryError: a step, or the evaluation, needs more memory than there is.
            StoppedError: Ctrl-C or SIGTERM ended it after a step.
        """
        method = self.recipe.search.method
        if method == "pdas":
            check_samples(self.recipe.search.samples, self.recipe.device.ranks)
        fabric = open_fabric(self.recipe.device)
        task = self._task(fabric)
        batches = task.search_batches(self.seed)
        given = None if method == "pdas" else task.control(self.seed)
        task.check_retraining(given)
        net = self._supernet(task) if given is None else None
        with self._directory(out, "--out", task, resume, fabric) as run:
            if not run.is_unfinished:
                run.remove_checkpoints()
                return run
            _log.info("search: begins in %s", run.path)
            if given is not None:
                architecture, summary = given, {"seconds": 0.0, "steps": 0}
            else:
                assert net is not None
                architecture, summary = self._search(task, net, batches, fabric, run, on_step)
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
        Raises what `search` does, `SettingError` if no width meets the weight limit, or if the
        test images would not be those of the run, which its search has not seen, and `RunError` if
        that search has not finished.
        """
        settings = self.recipe.retrain
        file = run.architecture_file()
        self._check_split(run.config()[0])
        fabric = open_fabric(self.recipe.device)
        task = self._task(fabric)
        self._check_test_images(run, task)
        architecture = task.space.load(file)
        torch.manual_seed(self.seed)
        training = task.retraining(architecture, self.seed)
        path = run.inner(f"retrain-{self.seed}")
        with self._directory(path, "--seed", task, resume, fabric) as retrained:
            if not retrained.is_unfinished:
                retrained.remove_checkpoints()
                return retrained
            _log.info("retraining: begins in %s", path)
            with self._epoch_log(fabric, path, "retrain") as log:
                retrain(
                    training.trainee,
                    training.batches,
                    settings,
                    fabric,
                    checkpoints=Checkpoints(retrained.checkpoint_directory),
                    on_step=on_step,
                    on_epoch=_on_first(fabric, partial(_record_retraining, retrained, log)),
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
        with experiment._directory(out, "--out", None, resume, fabric) as run:
            if fabric.is_global_zero:
                run.write_json("search.json", {"method": f"given: {file}"})
                run.write_architecture(architecture)
            wait_for_all(fabric)
            experiment.retrain(run, on_step, resume=resume)
        return run

    def evaluate(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network on the test images, taken again from its files.

        Raises `DataError` if these are not the test images of the run.
        """
        one = self.recipe.device.model_copy(update={"devices": 1, "machines": 1})
        task = self._task(open_fabric(one))
        self._check_test_images(retrained, task)
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
    ) -> tuple[Architecture, dict[str, Any]]:
        with self._epoch_log(fabric, run.path, "search") as log:
            result = search(
                net,
                task.loss,
                batches,
                settings=self.recipe.search,
                seed=self.seed,
                fabric=fabric,
                checkpoints=Checkpoints(run.checkpoint_directory),
                on_step=on_step,
                on_epoch=_on_first(fabric, partial(_record_search, run, log)),
            )
        return result.architecture, {
            "seconds": result.seconds,
            "steps": result.history[-1].step,
            "convergence": result.optimizer.convergence,
        }

    def _supernet(self, task: Task) -> nn.Module:
        torch.manual_seed(self.seed)
        try:
            return task.supernet()
        except RuntimeError as error:  # of the allocator
            raise SettingError(
                f"network: found settings that need more memory than there is "
                f"({reason(error)}); lower network.channels"
            ) from None

    def _task(self, fabric: Fabric) -> Task:
        """Rank 0 loads the data first, so that a cache is made once; then all wait."""
        with fabric.rank_zero_first():
            task = open_task(self.recipe, self.data_dir, fabric.device)
        with fabric.rank_zero_first():
            return task

    def _epoch_log(
        self, fabric: Fabric, path: Path, stage: str
    ) -> AbstractContextManager[Callable[[Rows], None]]:
        """What logs each epoch of a stage, on rank 0."""
        return epoch_log(self.logger if fabric.is_global_zero else None, path, stage)

    def _check_parts(self) -> None:
        """Refuse batches that cannot be shared out."""
        search, retrain = self.recipe.search, self.recipe.retrain
        check_parts("search.batch_size", search.batch_size, accumulate=search.accumulate)
        check_parts(
            "retrain.batch_size",
            retrain.batch_size,
            ranks=self.recipe.device.ranks,
            accumulate=retrain.accumulate,
            smallest=2 if self.recipe.task == "classification" else 1,
        )

    def _check_split(self, searched: Recipe) -> None:
        for name in ("name", "test_fraction", "split_seed"):
            found, expected = (getattr(recipe.data, name) for recipe in (self.recipe, searched))
            if found != expected:
                raise SettingError(
                    f"data.{name}: found {found!r}, expected {expected!r} as in the search, which "
                    "has seen what would now be test images; retrain the run's architecture.json "
                    "to use other data"
                )

    def _check_test_images(self, run: Run, task: Task) -> None:
        """Refuse data that changed since: what is now for the test may have been trained on."""
        expected = run.test_fingerprint()
        if expected is not None and task.test_images.fingerprint() != expected:
            raise DataError(
                f"--data-dir: found other images for the test than those of {run.path}, with files "
                "added, removed or renamed since; restore them, or search again"
            )

    @contextmanager
    def _directory(
        self, path: Path, setting: str, task: Task | None, resume: bool, fabric: Fabric
    ) -> Iterator[Run]:
        """The directory `path` of a run of this experiment: a new one, or one that goes on.

        Rank 0 sees to it, and the others wait.
        """
        if not fabric.is_global_zero:
            wait_for_all(fabric)
            yield Run(path)
            return
        with self._directory_of_first(path, setting, task, resume) as run:
            wait_for_all(fabric)
            yield run

    @contextmanager
    def _directory_of_first(
        self, path: Path, setting: str, task: Task | None, resume: bool
    ) -> Iterator[Run]:
        run = Run(path)
        if resume and run.has_config:
            self._check_same(run)
            if task is not None:
                self._check_test_images(run, task)
            with _kept(run):
                yield run
            return
        with new_directory(path, setting), _kept(run):
            fingerprint = None if task is None else task.test_images.fingerprint()
            run.write_config(
                self.recipe, seed=self.seed, data_dir=self.data_dir, test_fingerprint=fingerprint
            )
            yield run

    def _check_same(self, run: Run) -> None:
        """Refuse to go on with what was begun with other settings."""
        recipe, seed, _ = run.config()
        found = flat(self.recipe.model_dump(mode="json")) | {"--seed": self.seed}
        expected = flat(recipe.model_dump(mode="json")) | {"--seed": seed}
        for name, value in expected.items():
            if found.get(name) != value:
                raise SettingError(
                    f"{name}: found {found.get(name)!r}, expected {value!r} as in {run.path}, "
                    "which is to go on; give it as it was, or another --out without --resume"
                )


def _on_first(fabric: Fabric, record: Callable[..., None]) -> Callable[..., None]:
    """What rank 0 alone does."""
    return record if fabric.is_global_zero else lambda *_: None


def _evaluation_too_large() -> str:
    return (
        "the evaluation on the test images does not fit; free memory on the device, or use another"
    )


@contextmanager
def _kept(run: Run) -> Iterator[None]:
    """Say what is kept of a training that ends with an error."""
    try:
        yield
    except PdasError as error:
        if not (paths := Checkpoints(run.checkpoint_directory).paths()):
            raise
        raise type(error)(
            f"{error}; {paths[-1]} is from before, and --resume goes on from there"
        ) from error


def _record_search(run: Run, log: Callable[[Rows], None], result: SearchResult) -> None:
    """Write the metrics of all epochs, and the history of theta from its start."""
    rows = [_row(asdict(progress)) for progress in result.history]
    run.write_metrics(rows)
    log(rows)
    steps = [0, *(progress.step for progress in result.history)]
    run.write_theta(result.optimizer.space, steps, result.theta)


def _record_retraining(
    retrained: Run, log: Callable[[Rows], None], history: Sequence[RetrainProgress]
) -> None:
    rows = [_row(asdict(progress)) for progress in history]
    retrained.write_metrics(rows)
    log(rows)


def _row(progress: dict[str, Any]) -> dict[str, float | int]:
    """Progress as a row of `metrics.csv`, with a column for each measure."""
    del progress["steps"]
    measures = progress.pop("measures")
    return {"step": progress.pop("step"), "epoch": progress.pop("epoch"), **measures, **progress}
