"""Supernets: modules that hold every architecture of a space and run the one they are handed."""

from pdas.nn.autoencoder import AutoencoderNetwork, AutoencoderSupernet
from pdas.nn.cell import CellNetwork, CellSupernet
from pdas.nn.description import read_network
from pdas.nn.operations import OPERATIONS

__all__ = [
    "OPERATIONS",
    "AutoencoderNetwork",
    "AutoencoderSupernet",
    "CellNetwork",
    "CellSupernet",
    "read_network",
]
