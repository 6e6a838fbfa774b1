"""Architecture families: a search space with its supernet, derived network, cost and drawing."""

from pdas.spaces.autoencoders import AutoencoderNetwork, AutoencoderSupernet
from pdas.spaces.cells import CellNetwork, CellSupernet
from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.description import read_network

__all__ = [
    "OPERATIONS",
    "AutoencoderNetwork",
    "AutoencoderSupernet",
    "CellNetwork",
    "CellSupernet",
    "read_network",
]
