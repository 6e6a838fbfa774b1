"""Choices inside a module of the user's own, and the supernet that they make of it.

`point` is the base of all choices: `choices` among modules and tensors, plain `value`s, and layers
whose widths are values in `layers` and `norms`. `places` and `tree` find them in a module, `survey`
tries and counts them, `derive` replaces them; `supernet` puts these together.
"""

from pdas.nn.choice.choices import Choice, InputChoice, OptionalLayer, Repeat
from pdas.nn.choice.layers import Conv2d, ConvTranspose2d, Linear
from pdas.nn.choice.norms import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from pdas.nn.choice.supernet import Supernet
from pdas.nn.choice.value import Value

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
