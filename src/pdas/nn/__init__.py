"""Supernets: modules that hold every architecture of a space and run the one they are handed.

`CellSupernet` and `AutoencoderSupernet` are the paper's; `Supernet` makes one of a module with
choices.
"""

from pdas.nn.autoencoder import AutoencoderNetwork, AutoencoderSupernet
from pdas.nn.cell import CellNetwork, CellSupernet
from pdas.nn.choice import (
    BatchNorm1d,
    BatchNorm2d,
    Choice,
    Conv2d,
    ConvTranspose2d,
    GroupNorm,
    InputChoice,
    LayerNorm,
    Linear,
    OptionalLayer,
    Repeat,
    Supernet,
    Value,
)
from pdas.nn.description import read_network
from pdas.nn.operations import OPERATIONS

__all__ = [
    "OPERATIONS",
    "AutoencoderNetwork",
    "AutoencoderSupernet",
    "BatchNorm1d",
    "BatchNorm2d",
    "CellNetwork",
    "CellSupernet",
    "Choice",
    "Conv2d",
    "ConvTranspose2d",
    "GroupNorm",
    "InputChoice",
    "LayerNorm",
    "Linear",
    "OptionalLayer",
    "Repeat",
    "Supernet",
    "Value",
    "read_network",
]
