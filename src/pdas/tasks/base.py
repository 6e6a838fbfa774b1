"""What a task is: what is learned from which data by which loss, and how it is judged.

A task is a package (or a module of a user) that registers one `TaskKind`:

    class Counting(TaskKind): ...
    TASKS.add("counting", Counting())

Tasks are imported to look one up by name, so they import torch inside functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pdas.support.metrics import Metric
from pdas.support.registry import Registry
from pdas.tasks.recipe import Recipe
from pdas.tasks.section import Section

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from pdas.data.images import ImageSource
    from pdas.methods.components import Baseline
    from pdas.resume.batches import Loader
    from pdas.runs.run import Run
    from pdas.searches.trial import Derive
    from pdas.space import Architecture, SearchSpace
    from pdas.training.candidates import Model
    from pdas.training.measures import Measures
    from pdas.training.retrain import TrainingModule


@dataclass(frozen=True)
class Retraining:
    """A derived network with fresh weights, ready to be trained.

    Attributes:
        module: the network with its loss.
        batches: of the training set.
        about: what `result.json` says of the network and the data, to load and to read it.
    """

    module: TrainingModule[Any]
    batches: Loader
    about: dict[str, Any]


class Task(ABC):
    """The data of an experiment on a device, with its networks and losses.

    What is drawn comes from a seed that is an argument, weights from torch's global generator.
    """

    @property
    @abstractmethod
    def space(self) -> SearchSpace:
        """The space that is searched."""

    @abstractmethod
    def supernet(self) -> nn.Module:
        """The supernet with fresh weights."""

    @abstractmethod
    def derive(self) -> Derive:
        """What makes the network of an architecture at the size of the supernet, for finalists."""

    @property
    def baseline(self) -> Baseline | None:
        """The plain architecture of the same depth as another one, if there is such a thing."""
        return None

    @property
    @abstractmethod
    def example(self) -> Tensor:
        """An input of the network as a batch of one, of which the shape counts."""

    @abstractmethod
    def loss(self, model: Model, batch: Any) -> Measures:
        """The loss of the search: a mapping with "loss" and other measures."""

    @abstractmethod
    def search_batches(self, seed: int) -> tuple[Loader, Loader]:
        """Batches of D_W and of D_theta."""

    @property
    @abstractmethod
    def training_images(self) -> ImageSource:
        """The images that a search and a retraining may see."""

    @property
    @abstractmethod
    def test_images(self) -> ImageSource:
        """The images that no search may see."""

    @abstractmethod
    def check_retraining(self, architecture: Architecture | None) -> None:
        """Raise `SettingError` if what is found could not be retrained.

        Args:
            architecture: what was found; None asks for any of the space.
        """

    @abstractmethod
    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        """The derived network with fresh weights, and its training."""

    @abstractmethod
    def evaluate(self, network: nn.Module, retrained: Run) -> dict[str, Any]:
        """Measures of a network on the test images; pictures of them go into the run directory."""

    @abstractmethod
    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network from its files."""


class TaskKind(ABC):
    """A task by its name, without data: what recipes, reports and programs ask of it.

    Attributes:
        recipe: its settings.
        metrics: what its losses and its evaluation measure.
    """

    recipe: ClassVar[type[Recipe]]
    metrics: ClassVar[tuple[Metric, ...]] = ()

    @abstractmethod
    def open(
        self, recipe: Any, data_dir: Path | None, device: torch.device, download: bool = True
    ) -> Task:
        """Load the data of a recipe.

        Raises:
            DataError, SettingError: the data is missing or broken, or does not fit the settings.
        """

    def load(self, retrained: Run) -> Any:
        """What users get of a retrained network by `pdas.load`: by default the plain network.

        Raises:
            RunError: files of the retraining are missing or damaged.
        """
        from pdas.tasks.networks import load_network

        return load_network(retrained)

    def description(self, values: Mapping[str, Any]) -> Any:
        """The `Description` of a network from the plain data of its `network.json`.

        By default networks of the task are not exported.
        """
        raise ValueError("networks of this task are not exported")

    def sections(self, retraining: Path, result: Mapping[str, object]) -> list[Section]:
        """What the task adds to the report on a retrained network.

        Args:
            retraining: the directory; pictures are drawn into it.
            result: the content of `result.json`.

        Raises:
            ValueError, LookupError: the result makes no sense.
            RunError: another file is damaged.
        """
        return []


DEFAULT = "classification"  # of a recipe that names no task
TASKS: Registry[TaskKind] = Registry("task", "pdas.tasks", folders=True)
