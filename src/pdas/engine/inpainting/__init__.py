"""Inpainting: its data, its loss, its measures, and the restorer that comes out."""

from pdas.engine.inpainting.restorer import Restorer, load_restorer
from pdas.engine.inpainting.task import InpaintingTask

__all__ = ["InpaintingTask", "Restorer", "load_restorer"]
