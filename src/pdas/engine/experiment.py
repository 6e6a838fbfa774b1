"""The experiment of a recipe by stages, search, retrain, evaluate; each fills a run directory.

All that can be wrong with settings and data is found before a directory is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from pdas.engine.open import fitted, open_task
from pdas.engine.retrain import RetrainProgress, retrain
from pdas.engine.search import Progress, SearchResult, search
from pdas.engine.task import Task
from pdas.errors import DataError, SettingError, SpaceError, reason
from pdas.run import Run, new_directory, save_weights
from pdas.settings import Recipe
from pdas.space import Architecture, load_labels


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn, but not
    which images are in use, which of them are for the test, and the masks of these: that is
    `data.split_seed`.
    """

    recipe: Recipe
    seed: int = 0
    data_dir: Path | None = None

    def search(self, out: Path, on_step: Callable[[Progress], None] = lambda progress: None) -> Run:
        """Search an architecture into the new run directory `out`.

        The method "random" draws the architecture uniformly instead, "base" makes the paper's BASE
        of the depth of a given one; both leave everything after it the same.

        Raises:
            DataError, SettingError: the data or a setting does not fit.
            RunError: `out` is taken.
            NonFiniteLossError: no architecture of a step had a finite loss.
        """
        fabric = self._fabric()
        task = self._task(fabric)
        batches = task.search_batches(self.seed)
        method = self.recipe.search.method
        given = None if method == "pdas" else task.control(self.seed)
        task.check_retraining(given)
        net = self._supernet(task) if given is None else None
        with new_directory(out, "--out"):
            run = Run(out)
            self._write_config(run, task)
            if given is not None:
                architecture, summary = given, {"seconds": 0.0, "steps": 0}
            else:
                assert net is not None
                architecture, summary = self._search(task, net, batches, fabric, run, on_step)
            architecture.save(run.path / "architecture.json")
            run.write_json("search.json", {"method": method, "seed": self.seed} | summary)
        return run

    def retrain(
        self, run: Run, on_step: Callable[[RetrainProgress], None] = lambda progress: None
    ) -> Run:
        """Retrain the architecture of a run from fresh weights, into its `retrain-<seed>/`.

        The network of the last step is evaluated on the test images.
        Raises what `search` does, `SettingError` if no width meets the weight limit, or if the
        test images would not be those of the run, which its search has not seen, and `RunError` if
        that search has not finished.
        """
        settings = self.recipe.retrain
        file = run.architecture_file()
        self._check_split(run.config()[0])
        fabric = self._fabric()
        task = self._task(fabric)
        self._check_test_images(run, task)
        architecture = task.space.load(file)
        torch.manual_seed(self.seed)
        training = task.retraining(architecture, self.seed)
        with new_directory(run.path / f"retrain-{self.seed}", "--seed") as path:
            retrained = Run(path)
            self._write_config(retrained, task)
            retrain(
                training.trainee,
                training.batches,
                settings,
                fabric,
                on_step=on_step,
                on_epoch=partial(_record_retraining, retrained),
            )
            network = training.trainee.finished()
            about = training.about | {"seed": self.seed, "architecture": architecture.to_dict()}
            save_weights(network, path / "weights.safetensors")
            retrained.write_json("result.json", about)  # enough for `evaluate`, if the test fails
            retrained.write_json("result.json", task.evaluate(network, path) | about)
        return retrained

    def retrain_given(
        self,
        file: Path,
        out: Path,
        on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    ) -> Run:
        """Retrain the architecture of a JSON file, in the new run directory `out`.

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
        with new_directory(out, "--out"):
            run = Run(out)
            run.write_config(recipe, seed=self.seed, data_dir=self.data_dir)
            architecture.save(run.path / "architecture.json")
            run.write_json("search.json", {"method": f"given: {file}"})
            experiment.retrain(run, on_step)
        return run

    def evaluate(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network on the test images, taken again from its files.

        Raises `DataError` if these are not the test images of the run.
        """
        task = self._task(self._fabric())
        self._check_test_images(retrained, task)
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
        result = search(
            net,
            task.loss,
            batches,
            settings=self.recipe.search,
            seed=self.seed,
            fabric=fabric,
            on_step=on_step,
            on_epoch=partial(_record_search, run),
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

    def _fabric(self) -> Fabric:
        device = self.recipe.device
        try:
            return Fabric(accelerator=device.accelerator, devices=1, precision=device.precision)
        except RuntimeError:
            raise SettingError(
                f"device.accelerator: found {device.accelerator!r}, which this machine does not "
                "have; set it to auto"
            ) from None

    def _task(self, fabric: Fabric) -> Task:
        return open_task(self.recipe, self.data_dir, fabric.device)

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

    def _write_config(self, run: Run, task: Task) -> None:
        fingerprint = task.test_images.fingerprint()
        run.write_config(
            self.recipe, seed=self.seed, data_dir=self.data_dir, test_fingerprint=fingerprint
        )


def _record_search(run: Run, result: SearchResult) -> None:
    """Add the last epoch to the metrics, and write the history of theta from its start."""
    run.append_metrics(_row(asdict(result.history[-1])))
    steps = [0, *(progress.step for progress in result.history)]
    run.write_theta(result.optimizer.space, steps, result.theta)


def _record_retraining(retrained: Run, progress: RetrainProgress) -> None:
    retrained.append_metrics(_row(asdict(progress)))


def _row(progress: dict[str, Any]) -> dict[str, float | int]:
    """Progress as a row of `metrics.csv`, with a column for each measure."""
    del progress["steps"]
    measures = progress.pop("measures")
    return {"step": progress.pop("step"), "epoch": progress.pop("epoch"), **measures, **progress}
