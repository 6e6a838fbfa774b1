"""Choices inside a module of the user's own, and the supernet that they make of it.

`choices` among modules, tensors and plain values, and `elastic` layers whose widths are values.
`module_tree` finds them in a module, `counting` profiles and counts them, `deriving` makes the
plain network of one architecture; `supernet` puts these together.
"""

from pdas.nn.choices.choice import Choice
from pdas.nn.choices.input_choice import InputChoice
from pdas.nn.choices.optional_layer import OptionalLayer, optional
from pdas.nn.choices.repeat import Repeat
from pdas.nn.choices.value import Value
from pdas.nn.deriving.recalibration import recalibrate
from pdas.nn.elastic.any_layer import with_widths
from pdas.nn.elastic.attention import MultiheadAttention
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.batch_norms import BatchNorm1d, BatchNorm2d, BatchNorm3d
from pdas.nn.elastic.conv import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from pdas.nn.elastic.embedding import Embedding
from pdas.nn.elastic.instance_norms import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from pdas.nn.elastic.layer_norms import GroupNorm, LayerNorm, RMSNorm
from pdas.nn.elastic.linear import Linear
from pdas.nn.elastic.recurrent import GRU, LSTM
from pdas.nn.model.searchable import searchable
from pdas.nn.model.sorting import sort_channels
from pdas.nn.supernet import Supernet
from pdas.nn.widths import widest

__all__ = [
    "GRU",
    "LSTM",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Choice",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "Elastic",
    "Embedding",
    "GroupNorm",
    "InputChoice",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "Linear",
    "MultiheadAttention",
    "OptionalLayer",
    "RMSNorm",
    "Repeat",
    "Supernet",
    "Value",
    "optional",
    "recalibrate",
    "searchable",
    "sort_channels",
    "widest",
    "with_widths",
]
