"""Inpainting: images are restored by an auto-encoder (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdas.tasks.base import TASKS, Task
from pdas.tasks.inpainting.metrics import METRICS
from pdas.tasks.inpainting.recipe import InpaintingRecipe
from pdas.tasks.section import Section

if TYPE_CHECKING:
    import torch

    from pdas.runs.run import Run
    from pdas.tasks.card import CardPart
    from pdas.tasks.inpainting.description import RestorerDescription
    from pdas.tasks.inpainting.restorer import Restorer
    from pdas.tasks.inpainting.task import InpaintingTask


class Inpainting(Task):
    """See `Task`.

    Example:
        TASKS["inpainting"].load(run)
    """

    recipe = InpaintingRecipe
    metrics = METRICS

    def open(
        self,
        recipe: InpaintingRecipe,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> InpaintingTask:
        from pdas.data.masks import find_mask
        from pdas.tasks.inpainting.data import InpaintingData
        from pdas.tasks.inpainting.task import InpaintingTask

        mask = find_mask(recipe.mask)
        data = InpaintingData.load(recipe.data, mask, data_dir, device, download)
        return InpaintingTask(recipe, data)

    def load(self, retrained: Run) -> Restorer:
        from pdas.tasks.inpainting.restorer import load_restorer

        return load_restorer(retrained)

    def description(self, values: Mapping[str, Any]) -> RestorerDescription:
        from pdas.support.settings import validated
        from pdas.tasks.inpainting.description import RestorerDescription

        return validated(RestorerDescription, values)

    def sections(self, retraining: Path, result: Mapping[str, object]) -> list[Section]:
        from pdas.tasks.inpainting.sections import sections

        return sections(retraining, result)

    def card(self, result: Mapping[str, object]) -> CardPart:
        from pdas.tasks.inpainting.card import card

        return card(result)


TASKS.add("inpainting", Inpainting())
