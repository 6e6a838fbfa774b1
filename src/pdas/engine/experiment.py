"""The experiment of a recipe by stages, search, retrain, evaluate; each fills a run directory.

All that can be wrong with settings and data is found before a directory is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file

from pdas.engine.classification import ClassificationData, classification_loss
from pdas.engine.evaluate import test_error
from pdas.engine.predict import load
from pdas.engine.retrain import RetrainProgress, retrain
from pdas.engine.search import Progress, SearchResult, search
from pdas.errors import DataError, SettingError, SpaceError
from pdas.nn import CellNetwork, CellSupernet
from pdas.nn.cell import CellSettings, cell_space, count_nodes, count_weights, heaviest, widest
from pdas.run import Run, new_directory
from pdas.settings import Recipe
from pdas.space import load_labels


@dataclass(frozen=True)
class Experiment:
    """A recipe with its seed and, for data sets that need it, the directory of the images.

    The seed decides the halves of the data, the weights, and everything else that is drawn, but not
    which images are for the test: that is `data.split_seed`.
    """

    recipe: Recipe
    seed: int = 0
    data_dir: Path | None = None

    def search(
        self,
        out: Path,
        on_start: Callable[[int], None] = lambda steps: None,
        on_step: Callable[[Progress], None] = lambda progress: None,
    ) -> Run:
        """Search an architecture into the new run directory `out`.

        `on_start` is told the number of steps, `on_step` how each went. The method "random" draws
        the architecture uniformly instead, and leaves everything after it the same.

        Raises:
            DataError, SettingError: the data or a setting does not fit.
            RunError: `out` is taken.
            NonFiniteLossError: no architecture of a step had a finite loss.
        """
        settings = self.recipe.search
        fabric = self._fabric()
        data = self._data(fabric)
        batches = data.search_batches(settings.batch_size, self.seed)
        data.check_training_batch(self.recipe.retrain.batch_size)
        cells = self._cells(data)
        self._size(heaviest(cells), cells)
        torch.manual_seed(self.seed)
        net = CellSupernet(**cells.model_dump())
        with new_directory(out, "--out"):
            run = Run(out)
            run.write_config(self.recipe, seed=self.seed, data_dir=self.data_dir)
            if settings.method == "random":
                architecture = net.space.uniform(np.random.default_rng(self.seed))
                summary: dict[str, Any] = {"seconds": 0.0, "steps": 0}
            else:
                on_start(settings.epochs * len(batches[0]))
                result = search(
                    net,
                    classification_loss,
                    batches,
                    settings=settings,
                    seed=self.seed,
                    fabric=fabric,
                    on_step=on_step,
                    on_epoch=partial(_record, run),
                )
                architecture = result.architecture
                summary = {
                    "seconds": result.seconds,
                    "steps": result.history[-1].step,
                    "convergence": result.optimizer.convergence,
                }
            architecture.save(run.path / "architecture.json")
            run.write_json("search.json", {"method": settings.method, "seed": self.seed} | summary)
        return run

    def retrain(
        self,
        run: Run,
        on_start: Callable[[int], None] = lambda steps: None,
        on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    ) -> Run:
        """Retrain the architecture of a run from fresh weights, into its `retrain-<seed>/`.

        The network of the last epoch is evaluated on the test images.
        Raises what `search` does, and `SettingError` if no width meets the weight limit, or if the
        test images would not be those of the run, which its search has not seen.
        """
        settings = self.recipe.retrain
        self._check_split(run.config()[0])
        fabric = self._fabric()
        data = self._data(fabric)
        batches = data.training_batches(settings.batch_size, self.seed)
        cells = self._cells(data)
        space = cell_space(cells.nodes, cells.operations)
        architecture = space.load(run.path / "architecture.json")
        size = self._size(architecture, cells)
        torch.manual_seed(self.seed)
        network = CellNetwork(architecture, size, auxiliary=settings.auxiliary_weight > 0)
        with new_directory(run.path / f"retrain-{self.seed}", "--seed") as path:
            retrained = Run(path)
            retrained.write_config(self.recipe, seed=self.seed, data_dir=self.data_dir)
            on_start(settings.epochs * len(batches))
            retrain(
                network,
                batches,
                settings,
                fabric,
                on_step=on_step,
                on_epoch=lambda progress: retrained.append_metrics(asdict(progress)),
            )
            network.auxiliary = None
            weights = {name: w.contiguous() for name, w in network.state_dict().items()}
            save_file(weights, path / "weights.safetensors")
            retrained.write_json(
                "result.json",
                {
                    "test_error": test_error(network, data.test_batches()),
                    "params": count_weights(architecture, size),
                    "seed": self.seed,
                    "epochs": settings.epochs,
                    "network": size.model_dump(mode="json"),
                    "architecture": architecture.to_dict(),
                    "classes": list(data.images.classes),
                    "image_size": data.images.size,
                    "mean": list(data.standardise.mean),
                    "std": list(data.standardise.std),
                },
            )
        return retrained

    def retrain_given(
        self,
        file: Path,
        out: Path,
        on_start: Callable[[int], None] = lambda steps: None,
        on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    ) -> Run:
        """Retrain the architecture of a JSON file, in the new run directory `out`.

        The architecture may come from other data and another number of nodes.
        Raises what `retrain` does, and `SpaceError` for a file that holds no cells, or cells that
        are not of the recipe's operations.
        """
        given = load_labels(file)
        nodes = count_nodes(given)
        if nodes == 0:
            raise SpaceError(f"architecture file {file}: holds no cells; give an architecture.json")
        network = self.recipe.network.model_copy(update={"nodes": nodes})
        experiment = replace(self, recipe=self.recipe.model_copy(update={"network": network}))
        architecture = cell_space(network.nodes, network.operations).architecture(given)
        with new_directory(out, "--out"):
            run = Run(out)
            run.write_config(experiment.recipe, seed=self.seed, data_dir=self.data_dir)
            architecture.save(run.path / "architecture.json")
            run.write_json("search.json", {"method": f"given: {file}"})
            experiment.retrain(run, on_start, on_step)
        return run

    def evaluate(self, retrained: Run) -> float:
        """Test error in percent of a retrained network, measured again from its files.

        Raises `DataError` if the images are not of the classes that it was trained on.
        """
        fabric = self._fabric()
        classifier = load(retrained.path)
        data = replace(self._data(fabric), standardise=classifier.standardise)
        if data.images.classes != classifier.classes:
            raise DataError(
                f"--data-dir: found the classes {', '.join(data.images.classes)}, expected those "
                f"that {retrained.path} was trained on, {', '.join(classifier.classes)}"
            )
        return test_error(classifier.network.to(fabric.device), data.test_batches())

    def _fabric(self) -> Fabric:
        device = self.recipe.device
        try:
            return Fabric(accelerator=device.accelerator, devices=1, precision=device.precision)
        except RuntimeError:
            raise SettingError(
                f"device.accelerator: found {device.accelerator!r}, which this machine does not "
                "have; set it to auto"
            ) from None

    def _data(self, fabric: Fabric) -> ClassificationData:
        return ClassificationData.load(self.recipe.data, self.data_dir, fabric.device)

    def _cells(self, data: ClassificationData) -> CellSettings:
        return CellSettings(
            **self.recipe.network.model_dump(),
            in_channels=data.images.channels,
            classes=len(data.images.classes),
        )

    def _size(self, architecture: Mapping[str, object], settings: CellSettings) -> CellSettings:
        """The size of the derived network: the recipe's depth, the widest under its limit."""
        depth = {"cells_per_stage": self.recipe.retrain.cells_per_stage}
        deep = settings.model_copy(update=depth)
        return widest(architecture, deep, self.recipe.retrain.weight_limit)

    def _check_split(self, searched: Recipe) -> None:
        for name in ("name", "test_fraction", "split_seed"):
            found, expected = (getattr(recipe.data, name) for recipe in (self.recipe, searched))
            if found != expected:
                raise SettingError(
                    f"data.{name}: found {found!r}, expected {expected!r} as in the search, which "
                    "has seen what would now be test images; retrain the run's architecture.json "
                    "to use other data"
                )


def _record(run: Run, result: SearchResult) -> None:
    """Add the last epoch to the metrics, and write the history of theta from its start."""
    progress = result.history[-1]
    run.append_metrics(
        {"step": progress.step, "epoch": progress.epoch}
        | progress.measures
        | {
            "convergence": progress.convergence,
            "theta_rate": progress.theta_rate,
            "learning_rate": progress.learning_rate,
            "seconds": progress.seconds,
        }
    )
    steps = [0, *(progress.step for progress in result.history)]
    run.write_theta(result.optimizer.space, steps, result.theta)
