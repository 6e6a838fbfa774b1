"""What an architecture family is: a space with its supernet, derived network, cost and drawing.

A family is a package here, or a module of a user, that registers one `Family`. All are imported to
look one up by its name, so they import torch and matplotlib inside functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pdas.space import Architecture, Assignment, Label, SearchSpace
from pdas.support.errors import PdasError, SettingError, printable
from pdas.support.refusals import refuse
from pdas.support.registry import Registry
from pdas.support.settings import Settings, validated

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn


@dataclass(frozen=True)
class Drawing:
    """A drawing of an architecture.

    Attributes:
        figure: in the look of `pdas.drawing`, so that it can be light and dark.
        caption: in words, for people who do not see it.

    Example:
        Drawing(figure, "The normal and the reduction cell")
    """

    figure: Figure
    caption: str


class FamilySettings(Settings):
    """The group `network` of a recipe: the family, by its name, and the settings of its space.

    Attributes:
        space: the name of the family, `Literal["chain"] = "chain"` in its own settings.

    Example:
        class ChainSettings(FamilySettings):
            space: Literal["chain"] = "chain"
            layers: int = Field(3, ge=1)
    """

    space: str


class Family(ABC):
    """An architecture family. `pdas.testing.FamilyTests` tests what it promises.

    A few methods are enough; those that are not abstract have a general answer. In all of them
    `network` are settings of the family, and `size` is one of `sizes`.

    Example:
        class Chain(Family): ...
        FAMILIES.add("chain", Chain())

    Attributes:
        settings: of its space, its subclass of `FamilySettings`.
        sizes: a subclass of `settings` that has what the images add: all that it takes to build
            the supernet, or a derived network.
        restores: whether the output of its networks is an image, as large as the input, and not a
            vector.
        has_auxiliary: whether `network` takes the option `auxiliary`, of a classifier for training.
        shares_weights: whether the supernet has weights. Otherwise it has `space`,
            `derive(architecture)` and `shares_weights = False`, and its `forward` refuses by a line
            that names what fits.
    """

    settings: ClassVar[type[FamilySettings]]
    sizes: ClassVar[type[FamilySettings]]
    restores: ClassVar[bool] = False
    has_auxiliary: ClassVar[bool] = False
    shares_weights: ClassVar[bool] = True

    @abstractmethod
    def space(self, network: Any) -> SearchSpace:
        """The search space.

        Args:
            network: settings, or a size.
        """

    @abstractmethod
    def size(self, network: Any, image_shape: tuple[int, int, int], outputs: int) -> FamilySettings:
        """The size of the supernet.

        Args:
            network: settings; of a size, what the images add is replaced.
            image_shape: (C, H, W) of the images.
            outputs: channels of the output: classes of a classifier, or C of restored images.

        Raises:
            SettingError: the images are too small, or the family has no such outputs.
        """

    def parsed_size(self, values: Mapping[str, Any]) -> FamilySettings:
        """A size from the plain data in `result.json` or `network.json`.

        Args:
            values: by the name of a setting.

        Raises:
            SettingError: it is none.
        """
        return validated(self.sizes, values, "network")

    @abstractmethod
    def supernet(self, size: Any) -> nn.Module:
        """The supernet with fresh weights.

        Args:
            size: the size.
        """

    def retrained_size(
        self,
        size: Any,
        architecture: Assignment | None,
        retrain: Any,
        image_shape: tuple[int, int, int],
    ) -> Any:
        """The size of the network that is retrained; by default that of the supernet.

        Args:
            size: of the supernet.
            architecture: None asks for the one that is hardest to fit, before a search.
            retrain: the group `retrain` of the recipe.
            image_shape: (C, H, W) of the images of the retraining.

        Raises:
            SettingError: no size meets the settings.
        """
        return size

    @abstractmethod
    def network(
        self, architecture: Architecture | Mapping[str, object], size: Any, **options: Any
    ) -> nn.Module:
        """The derived network with fresh weights.

        Args:
            architecture: of the space of `size`, or its labels.
            size: the size.
            options: of the family's own networks.
        """

    def parameters(self, architecture: Architecture | Mapping[str, object], size: Any) -> int:
        """The numbers in the weights of the derived network; by default it is built and counted.

        Args:
            architecture: of the space of `size`, or its labels.
            size: the size.
        """
        import torch

        with torch.random.fork_rng(devices=()):  # a count draws no random numbers
            network = self.network(architecture, size)
        return sum(weight.numel() for weight in network.parameters())

    def recognises(self, labels: Mapping[str, Any]) -> bool:
        """Whether labels are those of an architecture of this family, and of nothing else.

        By default: whether they are of the default settings, fitted to them.

        Args:
            labels: by the name of a variable.
        """
        try:
            self.space(self.fitted(validated(self.settings, {}), labels)).architecture(labels)
        except PdasError:
            return False
        return True

    def fitted(self, network: Any, labels: Mapping[str, Label]) -> Any:
        """The settings with as large a space as these labels need; by default as they are.

        Args:
            network: settings.
            labels: of an architecture of this family.

        Raises:
            SpaceError: the labels are of no space of this family.
        """
        return network

    def baseline(self, architecture: Architecture) -> Architecture:
        """A plain architecture of the same depth, the paper's BASE.

        Args:
            architecture: with this depth.

        Raises:
            SettingError: the family has none, as by default.
        """
        refuse(
            SettingError,
            "search.method",
            found="base",
            expected="an architecture family that has a baseline",
            remedy="use another method",
        )

    def text(self, labels: Mapping[str, object]) -> str:
        """An architecture in lines, for people.

        Args:
            labels: of an architecture of this family.
        """
        return labels_text(labels)

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        """An architecture in few words; no rows by default.

        Args:
            labels: of an architecture of this family.

        Returns:
            Rows of a label and a value.
        """
        return []

    def drawing(
        self, labels: Mapping[str, object], image_size: int | None = None
    ) -> Drawing | None:
        """A drawing of an architecture; None, as by default, if there is no way.

        Args:
            labels: of an architecture of this family.
            image_size: pixels a side of the images, where they are known.
        """
        return None


FAMILIES: Registry[Family] = Registry("network.space", "pdas.spaces", folders=True)


def family_of(labels: Mapping[str, object]) -> Family | None:
    """The family that labels of an architecture belong to; None if it is no known family.

    Args:
        labels: by the name of a variable.
    """
    families = (FAMILIES[name] for name in FAMILIES.names())
    return next((family for family in families if family.recognises(labels)), None)


def labels_text(labels: Mapping[str, object]) -> str:
    """The labels of an architecture, a line each."""
    lines = {printable(name): printable(str(label)) for name, label in labels.items()}
    width = max(map(len, lines), default=0)
    return "\n".join(f"{name:<{width}}  {label}" for name, label in lines.items())
