"""Choices inside a module of the user's own, and the supernet that they make of it.

`choices` among modules, tensors and plain values, and `elastic` layers whose widths are values.
`module_tree` finds them in a module, `counting` profiles and counts them, `deriving` makes the plain
network of one architecture; `supernet` puts these together.
"""

from pdas.nn.choices.choice import Choice
from pdas.nn.choices.input_choice import InputChoice
from pdas.nn.choices.optional_layer import OptionalLayer
from pdas.nn.choices.repeat import Repeat
from pdas.nn.choices.value import Value
from pdas.nn.elastic.layers import Conv2d, ConvTranspose2d, Linear
from pdas.nn.elastic.norms import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from pdas.nn.supernet import Supernet

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
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
]
