"""What the stages of an experiment ask of a task: its data, its networks and its losses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from pdas.data.images import ImageSource
from pdas.resume.batches import Loader
from pdas.runs.run import Run
from pdas.searches.trial import Derive
from pdas.space import Architecture, SearchSpace
from pdas.training.candidates import Model
from pdas.training.measures import Measures
from pdas.training.retrain import Trainee


@dataclass(frozen=True)
class Retraining:
    """A derived network with fresh weights, ready to be trained.

    Attributes:
        about: what `result.json` says of the network and the data, to load and to read it.
    """

    trainee: Trainee[Any]
    batches: Loader
    about: dict[str, Any]


class Task(Protocol):
    """The data of an experiment, on a device, with the networks and the losses that belong to it.

    What is drawn comes from a seed that is given, weights from torch's global generator.
    """

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""

    def loss(self, model: Model, batch: Any) -> Measures:
        """The loss of the search, see `Loss`."""

    def search_batches(self, seed: int) -> tuple[Loader, Loader]:
        """Batches of D_W and of D_theta."""

    @property
    def training_images(self) -> ImageSource:
        """The images that a search and a retraining may see."""

    @property
    def test_images(self) -> ImageSource:
        """The images that no search may see."""

    def check_retraining(self, given: Architecture | None) -> None:
        """Raise `SettingError` if what is found could not be retrained.

        That is the given architecture, or else any of the space.
        """

    def supernet(self) -> nn.Module:
        """The supernet with fresh weights."""

    def derive(self, net: nn.Module) -> Derive:
        """What makes the network of an architecture, for finalists, at the size of the supernet."""

    def control(self, seed: int) -> Architecture:
        """The architecture of the recipe's method, if that is none that searches."""

    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        """The derived network with fresh weights, and its training."""

    def evaluate(self, network: nn.Module, directory: Path) -> dict[str, Any]:
        """Measures of a network on the test images; pictures of them go into `directory`."""

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        """Measures of a retrained network from its files."""
