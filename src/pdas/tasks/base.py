"""What a task is: what is learned from which data by which loss, and how it is judged.

A task is a package (or a module of a user) that registers one `Task`:

    class Counting(Task): ...
    TASKS.add("counting", Counting())

Looking up a task by its name imports all of them, so a task imports torch inside functions only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pdas.support.errors import SettingError
from pdas.support.metrics import Metric
from pdas.support.refusals import refuse
from pdas.support.registry import Registry
from pdas.tasks.card import CardPart
from pdas.tasks.recipe import Recipe
from pdas.tasks.section import Section

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from pdas.data.images import ImageData, ImageSource
    from pdas.distributed.ranks import Ranks
    from pdas.methods.components import Baseline
    from pdas.methods.trials.trial import Derive
    from pdas.resume.batches import Loader
    from pdas.runs.run import Run
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
        about: what `result.json` says of the network and the data; by it the network is loaded.

    Example:
        Retraining(ClassifierTraining(network, settings), batches, {"classes": ["cat", "dog"]})
    """

    module: TrainingModule[Any]
    batches: Loader
    about: dict[str, Any]


@dataclass(frozen=True)
class Quoted:
    """What a publication says of a method; it was measured elsewhere, under other conditions.

    Attributes:
        source: in a few words, as "Table 1 of the paper".
        name: of the method there.
        days: of a GPU, for the search.
        params: of its network, in millions.
        value: of the metric, as it is printed.

    Example:
        Quoted("Table 1 of the paper", "PDAS + c/o", "0.24", "3.20", "2.98 (±0.12)")
    """

    source: str
    name: str
    days: str
    params: str
    value: str


class OpenedTask(ABC):
    """The data of an experiment on a device, with its networks and losses.

    Weights are drawn from torch's global generator; everything else from a seed, an argument.

    Example:
        task = TASKS["classification"].open(recipes.load("digits"), None, torch.device("cpu"))
        network = task.supernet()
        network(task.example, task.space.uniform(rng))
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
        """A function that makes the network of an architecture, at the size of the supernet."""

    @property
    def baseline(self) -> Baseline | None:
        """A function: from an architecture to the plain one of the same depth; None if none is."""
        return None

    @property
    @abstractmethod
    def example(self) -> Tensor:
        """A batch of one input of the retrained network; only its shape counts."""

    @property
    def search_example(self) -> Tensor:
        """The same of the supernet; by default it is no other."""
        return self.example

    @abstractmethod
    def loss(self, model: Model, batch: Any) -> Measures:
        """The loss of the search.

        Args:
            model: the supernet with an architecture, from inputs to outputs.
            batch: one of `search_batches`, on the device.

        Returns:
            "loss", a tensor of shape (), to be minimised, and other measures by name.
        """

    @abstractmethod
    def search_batches(self, seed: int) -> tuple[Loader, Loader]:
        """The batches of D_W and of D_theta.

        Raises:
            SettingError: there are too few images.
        """

    @property
    @abstractmethod
    def training_images(self) -> ImageSource:
        """The images that a search and a retraining may see."""

    @property
    @abstractmethod
    def test_images(self) -> ImageSource:
        """The images that no search may see."""

    @property
    def images(self) -> ImageData:
        """Both, with the names of the classes where there are some."""
        from pdas.data.images import ImageData

        return ImageData(self.training_images, self.test_images, classes=())

    @abstractmethod
    def check_retraining(self, architecture: Architecture | None) -> None:
        """Check that the result of a search could be retrained.

        Args:
            architecture: the result; None, before a search, asks for any of the space.

        Raises:
            SettingError: it could not.
        """

    @abstractmethod
    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        """Prepare the training of the derived network, with fresh weights.

        Args:
            architecture: of `space`.
            seed: of the batches.

        Raises:
            SettingError: no size of the network meets the settings.
        """

    @abstractmethod
    def evaluate(self, network: nn.Module, retrained: Run) -> dict[str, Any]:
        """Measure a network on the test images.

        Args:
            network: just trained, without what is for training alone.
            retrained: the run of the retraining, for further files, as pictures.

        Returns:
            Measures by name, for `result.json`.
        """

    def evaluate_on(self, ranks: Ranks, network: nn.Module, retrained: Run) -> dict[str, Any]:
        """As `evaluate`, called on every rank; by default the first does it alone.

        Args:
            ranks: the processes of the training.
            network: see `evaluate`; it is the same on every rank.
            retrained: see `evaluate`; only that of the first rank writes.

        Returns:
            As `evaluate` on the first rank; what it is on others is not used.
        """
        return self.evaluate(network, retrained) if ranks.index == 0 else {}

    @abstractmethod
    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        """As `evaluate`, of the network in the files of a retraining; writes nothing."""


class Task(ABC):
    """A task by its name, without data: what recipes, reports and programs ask of it.

    Attributes:
        recipe: the class of its recipes.
        metrics: what its losses and its evaluation measure.
        quoted: what a publication says of methods, by the name of a row of `pdas compare`.
        well_known: the name of a network that `plain` takes and people know; None without one.

    Example:
        TASKS["classification"].metrics[0].heading
    """

    recipe: ClassVar[type[Recipe]]
    metrics: ClassVar[tuple[Metric, ...]] = ()
    quoted: ClassVar[Mapping[str, Quoted]] = MappingProxyType({})
    well_known: ClassVar[str | None] = None

    def plain(self, recipe: Any, name: str, pretrained: bool) -> Recipe:
        """The recipe that trains a well-known network for as long, in place of a search.

        Args:
            recipe: of the class `recipe`, with the method "random", which draws the network; its
                data and its retraining stay as they are.
            name: of the network.
            pretrained: whether it starts from its published weights.

        Raises:
            SettingError: the network is unknown; by default the task has none.
        """
        refuse(
            SettingError,
            "--methods",
            found=f"plain:{name}, while there is no well-known network for {recipe.task}",
            expected="methods of search",
            remedy="leave it out",
        )

    @abstractmethod
    def open(
        self, recipe: Any, data_dir: Path | None, device: torch.device, download: bool = True
    ) -> OpenedTask:
        """Load the data of a recipe.

        Args:
            recipe: of the class `recipe`.
            data_dir: where the images are, for data sets that need it.
            device: where the images go.
            download: whether a data set may be written into `data_dir`.

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

    def card(self, result: Mapping[str, object]) -> CardPart:
        """What the task says in the model card of a retrained network.

        Args:
            result: the content of `result.json`.

        Raises:
            ValueError, LookupError: the result makes no sense.
        """
        return CardPart()


DEFAULT = "classification"  # of a recipe that names no task
TASKS: Registry[Task] = Registry("task", "pdas.tasks", folders=True)
