"""Inpainting: its data, its loss, its measures, and the restorer that comes out."""

from pdas.tasks.inpainting.restorer import Restorer, load_restorer
from pdas.tasks.inpainting.task import InpaintingTask

__all__ = ["InpaintingTask", "Restorer", "load_restorer"]
