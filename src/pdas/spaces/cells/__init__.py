"""The cell space of the paper's image classification: its variables, supernet, derived network."""

from pdas.spaces.cells.layout import CellSettings
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.size import count_multiply_adds, count_weights, heaviest, widest
from pdas.spaces.cells.space import cell_space, count_nodes
from pdas.spaces.cells.supernet import CellSupernet

__all__ = [
    "CellNetwork",
    "CellSettings",
    "CellSupernet",
    "cell_space",
    "count_multiply_adds",
    "count_nodes",
    "count_weights",
    "heaviest",
    "widest",
]
