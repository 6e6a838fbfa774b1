"""Choices inside a module of the user's own, and the supernet that they make of it.

`choices` among modules, tensors and plain values, and `elastic` layers whose widths are values.
`module_tree` finds them in a module, `counting` profiles and counts them, `deriving` makes the
plain network of one architecture; `supernet` puts these together.
"""

from pdas.nn.choices.choice import Choice
from pdas.nn.choices.input_choice import InputChoice
from pdas.nn.choices.optional_layer import OptionalLayer
from pdas.nn.choices.repeat import Repeat
from pdas.nn.choices.value import Value
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.conv import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from pdas.nn.elastic.linear import Linear
from pdas.nn.elastic.norms import BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm
from pdas.nn.supernet import Supernet
from pdas.nn.widths import widest

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Choice",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "Elastic",
    "GroupNorm",
    "InputChoice",
    "LayerNorm",
    "Linear",
    "OptionalLayer",
    "Repeat",
    "Supernet",
    "Value",
    "widest",
]
