"""Layers of a model become layers of chosen widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from pdas.nn.elastic.any_layer import with_widths
from pdas.nn.elastic.attention import MultiheadAttention
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.batch_norms import BatchNorm1d, BatchNorm2d, BatchNorm3d
from pdas.nn.elastic.conv import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from pdas.nn.elastic.embedding import Embedding
from pdas.nn.elastic.following import GroupCount, PerDimension
from pdas.nn.elastic.instance_norms import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from pdas.nn.elastic.layer_norms import GroupNorm, LayerNorm, RMSNorm
from pdas.nn.elastic.linear import Linear
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.widths import ChosenWidth, Width

# By the plain class, the elastic one, and the arguments that are the widths of inputs and outputs.
_KINDS: dict[type[nn.Module], tuple[type[Elastic], str, str]] = {
    nn.Linear: (Linear, "in_features", "out_features"),
    nn.Conv1d: (Conv1d, "in_channels", "out_channels"),
    nn.Conv2d: (Conv2d, "in_channels", "out_channels"),
    nn.Conv3d: (Conv3d, "in_channels", "out_channels"),
    nn.ConvTranspose2d: (ConvTranspose2d, "in_channels", "out_channels"),
    nn.Embedding: (Embedding, "", "embedding_dim"),
    nn.MultiheadAttention: (MultiheadAttention, "", "embed_dim"),
    nn.BatchNorm1d: (BatchNorm1d, "", "num_features"),
    nn.BatchNorm2d: (BatchNorm2d, "", "num_features"),
    nn.BatchNorm3d: (BatchNorm3d, "", "num_features"),
    nn.InstanceNorm1d: (InstanceNorm1d, "", "num_features"),
    nn.InstanceNorm2d: (InstanceNorm2d, "", "num_features"),
    nn.InstanceNorm3d: (InstanceNorm3d, "", "num_features"),
    nn.LayerNorm: (LayerNorm, "", "normalized_shape"),
    nn.RMSNorm: (RMSNorm, "", "normalized_shape"),
    nn.GroupNorm: (GroupNorm, "", "num_channels"),
}


def elastic(layer: nn.Module, inputs: Width, outputs: Width, heads: Width | None) -> nn.Module:
    """A layer with the weights of a plain one, and chosen widths.

    Args:
        layer: plain, of any class.
        inputs, outputs: its numbers of channels.
        heads: of attention; None leaves them.
    """
    known = _KINDS.get(type(layer))
    if known is None:
        return _of_any_class(layer, inputs, outputs)
    kind, first, second = known
    widths = {first: inputs, second: outputs, "heads": heads}
    chosen = {name: w for name, w in widths.items() if name and isinstance(w, ChosenWidth)}
    return kind.of(layer, **chosen)


def _of_any_class(layer: Any, inputs: Width, outputs: Width) -> nn.Module:
    """A layer of another class, by the shapes of its weights."""
    tensors = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
    if isinstance(layer, nn.Linear):
        dims: dict[str, list[Width]] = {"weight": [outputs, inputs], "bias": [outputs]}
        sizes: dict[str, Any] = {"in_features": inputs, "out_features": outputs}
    elif isinstance(layer, _ConvNd):
        return _of_a_convolution(layer, inputs, outputs)
    elif hasattr(layer, "nx"):  # the Conv1D of Hugging Face
        dims, sizes = {"weight": [inputs, outputs], "bias": [outputs]}, {"nf": outputs}
    else:
        dims = {name: [outputs] for name, tensor in tensors if tensor.dim() == 1}
        sizes = {"num_features": outputs} if isinstance(layer, _NormBase) else {}
        if isinstance(getattr(layer, "normalized_shape", None), tuple):
            assert isinstance(outputs, ChosenWidth)
            sizes = {"normalized_shape": PerDimension(outputs, 1)}
    present = {name for name, _ in tensors}
    return with_widths(layer, {name: w for name, w in dims.items() if name in present}, sizes)


def _of_a_convolution(layer: _ConvNd, inputs: Width, outputs: Width) -> nn.Module:
    """A subclass of a convolution, which has a forward of its own."""
    columns = inputs if layer.groups == 1 else layer.weight.shape[1]
    sizes: dict[str, Any] = {"in_channels": inputs, "out_channels": outputs}
    if layer.groups > 1 and isinstance(inputs, ChosenWidth):
        sizes["groups"] = GroupCount(inputs, layer.in_channels // layer.groups)
    tensors: dict[str, list[Width]] = {"weight": [outputs, columns]}
    if layer.bias is not None:
        tensors["bias"] = [outputs]
    return with_widths(layer, tensors, sizes)


def replace(model: nn.Module, old: nn.Module, new: nn.Module) -> nn.Module:
    """Put a module in the place of another, wherever that is.

    Args:
        model: that is changed.
        old: in it.
        new: in its place.

    Returns:
        The model, or the new module if the old one was the whole.
    """
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is old:
                parent._modules[name] = new
    return new if model is old else model


def ties_of(model: nn.Module) -> list[list[str]]:
    """The names of weights that are one, as an embedding and the last layer.

    Args:
        model: plain.
    """
    names: dict[int, list[str]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(weight), []).append(name)
    modules = dict(model.named_modules(remove_duplicate=False))
    return [
        several
        for several in names.values()
        if len({id(modules[name.rpartition(".")[0]]) for name in several}) > 1
    ]


def tie(model: nn.Module, names: list[str]) -> None:
    """Make weights one again, after their layers were replaced.

    Args:
        model: in which they are.
        names: of the weights.
    """
    owners = list(_owners(model, names))
    first, attribute = owners[0]
    weight = first._modules.get(attribute)
    shared = weight if isinstance(weight, ElasticWeight) else first._parameters[attribute]
    for owner, name in owners[1:]:
        setattr(owner, name, shared)


def _owners(model: nn.Module, names: list[str]) -> Iterator[tuple[nn.Module, str]]:
    """The layers that have weights of these names, with the name in the layer."""
    for name in names:
        path, _, attribute = name.rpartition(".")
        yield model.get_submodule(path), attribute
