"""Image classification (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pdas.tasks.base import TASKS, Task
from pdas.tasks.classification.metrics import METRICS
from pdas.tasks.classification.quoted import QUOTED
from pdas.tasks.classification.recipe import ClassificationRecipe

if TYPE_CHECKING:
    import torch

    from pdas.runs.run import Run
    from pdas.tasks.card import CardPart
    from pdas.tasks.classification.classifier import Classifier
    from pdas.tasks.classification.description import ClassifierDescription
    from pdas.tasks.classification.task import ClassificationTask
    from pdas.tasks.section import Section


class Classification(Task):
    """See `Task`.

    Example:
        TASKS["classification"].load(run)
    """

    recipe = ClassificationRecipe
    metrics = METRICS
    quoted = QUOTED
    well_known = "resnet18"

    def open(
        self,
        recipe: ClassificationRecipe,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> ClassificationTask:
        from pdas.tasks.classification.data import ClassificationData
        from pdas.tasks.classification.task import ClassificationTask

        data = ClassificationData.load(recipe.data, data_dir, device, download)
        searched = recipe.search.of(recipe.data)
        if searched == recipe.data:
            return ClassificationTask(recipe, data)
        load = partial(ClassificationData.load, searched, data_dir, device, download)
        return ClassificationTask(recipe, data, load)

    def plain(
        self, recipe: ClassificationRecipe, name: str, pretrained: bool
    ) -> ClassificationRecipe:
        from pdas.spaces.zoo.models import check_known
        from pdas.spaces.zoo.settings import ZooSettings

        check_known(name)
        network = ZooSettings(networks=(name,), pretrained=pretrained)
        search = recipe.search.model_copy(update=_UNLIMITED)
        return recipe.model_copy(update={"network": network, "search": search})

    def load(self, retrained: Run) -> Classifier:
        from pdas.tasks.classification.classifier import load_classifier

        return load_classifier(retrained)

    def description(self, values: Mapping[str, Any]) -> ClassifierDescription:
        from pdas.support.settings import validated
        from pdas.tasks.classification.description import ClassifierDescription

        return validated(ClassifierDescription, values)

    def sections(self, retraining: Path, result: Mapping[str, object]) -> list[Section]:
        from pdas.tasks.classification.sections import sections

        return sections(retraining, result)

    def card(self, result: Mapping[str, object]) -> CardPart:
        from pdas.tasks.classification.card import card

        return card(result)


# A well-known network is taken as it is, whatever limit there is for found ones.
_UNLIMITED: Mapping[str, Any] = MappingProxyType({"limit": (), "penalty": None})

TASKS.add("classification", Classification())
