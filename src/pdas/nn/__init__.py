"""Choices inside a module of the user's own, and the supernet that they make of it.

`choice_point` is the base of all choices: `choices` among modules and tensors, plain `value`s, and
layers whose widths are values in `elastic`. `module_tree` finds them in a module, `counting`
profiles and counts them, `derive` replaces them; `supernet` puts these together.
"""

from pdas.nn.choices import Choice, InputChoice, OptionalLayer, Repeat
from pdas.nn.elastic.layers import Conv2d, ConvTranspose2d, Linear
from pdas.nn.elastic.norms import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from pdas.nn.supernet import Supernet
from pdas.nn.value import Value

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
