"""The layers of a model through which channels pass, and where their channels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

Kind = Literal["product", "each", "attention", "opaque"]


@dataclass(frozen=True)
class Leaf:
    """A layer with weights.

    Attributes:
        name: of the module.
        module: itself.
        kind: "product": outputs are sums over inputs, as of a convolution; "each": every channel by
            itself, as of a norm; "attention": that of PyTorch; "opaque": anything else.
        inputs, outputs: how many channels there are.
        dim: where they are in a tensor, 1 or -1.

    Example:
        Leaf("conv1", nn.Conv2d(3, 64, 7), "product", 3, 64, 1)
    """

    name: str
    module: nn.Module
    kind: Kind
    inputs: int
    outputs: int
    dim: int


def leaves_of(model: nn.Module) -> dict[str, Leaf]:
    """The layers of a model by name; what is inside of one of them is none.

    Args:
        model: any.
    """
    found: dict[str, Leaf] = {}
    inside: set[str] = set()
    for name, module in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in inside):
            continue
        leaf = _leaf(name, module)
        if leaf is not None:
            found[name] = leaf
            inside.add(name)
    return found


def _leaf(name: str, module: Any) -> Leaf | None:
    """The leaf that a module is, if it is one."""
    if isinstance(module, nn.Linear):
        return Leaf(name, module, "product", module.in_features, module.out_features, -1)
    if isinstance(module, _ConvNd):
        depthwise = module.groups == module.in_channels == module.out_channels
        kind: Kind = "each" if depthwise else "product"
        if module.transposed and module.groups > 1:
            kind = "opaque"
        return Leaf(name, module, kind, module.in_channels, module.out_channels, 1)
    if isinstance(module, nn.Embedding):
        return Leaf(name, module, "product", module.num_embeddings, module.embedding_dim, -1)
    if isinstance(module, nn.MultiheadAttention):
        kind = "attention" if module._qkv_same_embed_dim else "opaque"
        return Leaf(name, module, kind, module.embed_dim, module.embed_dim, -1)
    if isinstance(module, _NormBase):
        return Leaf(name, module, "each", module.num_features, module.num_features, 1)
    if isinstance(module, nn.GroupNorm):
        return Leaf(name, module, "each", module.num_channels, module.num_channels, 1)
    return _by_its_weights(name, module)


def _by_its_weights(name: str, module: Any) -> Leaf | None:
    """A layer of a class that is not PyTorch's, known by the shapes of its weights."""
    weights = dict(module.named_parameters(recurse=False))
    if not weights or any(True for _ in module.children()):
        return None
    shapes = {tuple(weight.shape) for weight in weights.values()}
    if len(shapes) == 1 and len(shape := shapes.pop()) == 1:
        # As LayerNorm, and the norms of other libraries. A map of four dimensions has its channels
        # in the second one.
        dim = 1 if "2d" in type(module).__name__ else -1
        return Leaf(name, module, "each", shape[0], shape[0], dim)
    if hasattr(module, "nx") and hasattr(module, "nf"):  # the Conv1D of Hugging Face
        return Leaf(name, module, "product", module.nx, module.nf, -1)
    return Leaf(name, module, "opaque", 0, 0, -1)


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and mappings, in order.

    Those in other objects, as in the cache of a language model, are none.

    Args:
        value: what a module returned or was called with.
    """
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, tuple | list):
        return []
    return [tensor for part in value for tensor in tensors_in(part)]
