"""Images: where they come from, and how they become batches."""

from pdas.data.augment import Augment, Standardise, channel_statistics, training_transform
from pdas.data.batches import Batches
from pdas.data.datasets import load_images
from pdas.data.decode import read_image
from pdas.data.disk import DiskImages
from pdas.data.images import ImageData, ImageSource, MemoryImages, Subset
from pdas.data.masks import MASKS, Mask, MaskedBatches, draw_mask, find_mask
from pdas.data.restoration import load_restoration_images
from pdas.data.splits import halves

__all__ = [
    "MASKS",
    "Augment",
    "Batches",
    "DiskImages",
    "ImageData",
    "ImageSource",
    "Mask",
    "MaskedBatches",
    "MemoryImages",
    "Standardise",
    "Subset",
    "channel_statistics",
    "draw_mask",
    "find_mask",
    "halves",
    "load_images",
    "load_restoration_images",
    "read_image",
    "training_transform",
]
