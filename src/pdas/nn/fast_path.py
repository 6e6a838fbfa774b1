"""PyTorch's fast path of transformer layers, which reads their weights and does not call them."""

from __future__ import annotations

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.repeat import Repeat
from pdas.nn.choices.value import Value
from pdas.nn.elastic.base import Elastic

# What it computes, whatever stands there.
_PARTS: dict[str, type[nn.Module]] = {
    "self_attn": nn.MultiheadAttention,
    "self_attn.out_proj": nn.Linear,
    "linear1": nn.Linear,
    "linear2": nn.Linear,
    "norm1": nn.LayerNorm,
    "norm2": nn.LayerNorm,
}


def avoid_fast_paths(module: nn.Module) -> None:
    """Switch the fast path off in transformer layers that it would compute in another way.

    Those are layers with a choice among modules, or with elastic layers of other kinds in them.
    Where only widths are chosen, the fast path reads the weights of the selected ones.

    Args:
        module: with choices; it is changed in place, and so are the networks derived from it.
    """
    for part in module.modules():
        if isinstance(part, nn.TransformerEncoderLayer) and _is_other(part):
            part.activation_relu_or_gelu = 0  # PyTorch has no fast path for other activations
        elif isinstance(part, nn.TransformerEncoder):
            layers = [m for m in part.modules() if isinstance(m, nn.TransformerEncoderLayer)]
            if _has_choices(part.layers) or any(map(_is_other, layers)):
                part.use_nested_tensor = False  # which no other path takes


def _is_other(layer: nn.TransformerEncoderLayer) -> bool:
    """Whether the fast path may compute something else than a call of the layer."""
    parts = dict(layer.named_modules())
    return _has_choices(layer) or any(
        isinstance(part := parts.get(name), Elastic) and part.kind is not kind
        for name, kind in _PARTS.items()
    )


def _has_choices(module: nn.Module) -> bool:
    """Whether there is a choice that takes the place of a module in it, other than in a stack."""
    return any(
        isinstance(part, ChoicePoint) and not isinstance(part, Value | Repeat)
        for part in module.modules()
    )
