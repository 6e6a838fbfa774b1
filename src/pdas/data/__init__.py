"""Labelled images: where they come from, and how they become batches."""

from pdas.data.augment import Augment, Standardise, channel_statistics, training_transform
from pdas.data.batches import Batches
from pdas.data.datasets import load_images
from pdas.data.decode import read_image
from pdas.data.disk import DiskImages
from pdas.data.images import ImageData, ImageSource, MemoryImages, Subset
from pdas.data.splits import check_batch_size, halves

__all__ = [
    "Augment",
    "Batches",
    "DiskImages",
    "ImageData",
    "ImageSource",
    "MemoryImages",
    "Standardise",
    "Subset",
    "channel_statistics",
    "check_batch_size",
    "halves",
    "load_images",
    "read_image",
    "training_transform",
]
