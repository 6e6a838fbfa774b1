"""The cell space of the paper's image classification: its variables, supernet, derived network."""

from pdas.nn.cell.layout import CellSettings
from pdas.nn.cell.network import CellNetwork
from pdas.nn.cell.size import count_multiply_adds, count_weights, heaviest, widest
from pdas.nn.cell.space import cell_space, count_nodes
from pdas.nn.cell.supernet import CellSupernet

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
