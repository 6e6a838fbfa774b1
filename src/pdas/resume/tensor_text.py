"""Tensors as text, for states that JSON holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Text = dict[str, Any]
"""A tensor: {"shape": [2, 3], "float32": "...base64..."}."""

Trained = tuple[dict[str, Tensor], dict[int, dict[str, Tensor]]]
"""Weights by name, and what Adam remembers of each by its number."""


def to_text(tensor: Tensor) -> Text:
    """A tensor of numbers as plain data.

    Args:
        tensor: of any shape; its numbers are kept as float32.
    """
    array = tensor.detach().cpu().to(torch.float32).contiguous().numpy()
    return {
        "shape": list(array.shape),
        "float32": base64.b64encode(array.astype("<f4").tobytes()).decode("ascii"),
    }


def from_text(text: Text, shape: torch.Size | None = None) -> Tensor:
    """The tensor of `to_text`.

    Args:
        text: as plain data.
        shape: that it must have; None for any.

    Raises:
        LookupError, TypeError, ValueError: it is none, has another shape, or numbers that are not
            finite.
    """
    raw = base64.b64decode(text["float32"], validate=True)
    array = np.frombuffer(raw, dtype="<f4").reshape(text["shape"])
    if list(array.shape) != text["shape"]:  # a size of -1 is that of the rest
        raise ValueError(f"a shape of {text['shape']}")
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(f"a tensor of shape {array.shape}, not {tuple(shape)}")
    if not np.isfinite(array).all():
        raise ValueError("a tensor with numbers that are not finite")
    return torch.from_numpy(array.astype(np.float32))


def weights_text(module: nn.Module) -> dict[str, Text]:
    """The weights of a module by name, as plain data.

    Args:
        module: its parameters.
    """
    return {name: to_text(weight) for name, weight in module.named_parameters()}


def read_weights(texts: Mapping[str, Text], module: nn.Module) -> dict[str, Tensor]:
    """Those of `weights_text`, checked against a module, for `load_weights`.

    Raises:
        LookupError, TypeError, ValueError: they are those of another module.
    """
    return {
        name: from_text(texts[name], weight.shape) for name, weight in module.named_parameters()
    }


@torch.no_grad()
def load_weights(weights: Mapping[str, Tensor], module: nn.Module) -> None:
    """Put into use what was read.

    Args:
        weights: of `read_weights`.
        module: its parameters.
    """
    for name, weight in module.named_parameters():
        weight.copy_(weights[name])


def trained_state(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The weights of a module and what Adam remembers of each, as plain data.

    Args:
        module: its parameters.
        optimizer: of all of them, in their order.
    """
    kept = optimizer.state_dict()["state"]
    return {
        "weights": weights_text(module),
        "adam": {
            str(index): {name: to_text(torch.as_tensor(value)) for name, value in each.items()}
            for index, each in sorted(kept.items())
        },
    }


def read_trained_state(state: Mapping[str, Any], module: nn.Module) -> Trained:
    """The parts of `trained_state`, checked against a module, for `load_trained_state`.

    Raises:
        LookupError, TypeError, ValueError: it is the state of another module.
    """
    weights = read_weights(state["weights"], module)
    by_index = {index: weight.shape for index, weight in enumerate(module.parameters())}
    adam = {
        int(index): _adam_of(each, by_index[int(index)]) for index, each in state["adam"].items()
    }
    return weights, adam


def _adam_of(state: Mapping[str, Any], shape: torch.Size) -> dict[str, Tensor]:
    """What Adam remembers of a weight of this shape."""
    shapes = {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}
    if state.keys() != shapes.keys():
        raise ValueError("a state of another optimizer of weights")
    return {name: from_text(state[name], each) for name, each in shapes.items()}


def load_trained_state(
    read: Trained,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Put what was read into use.

    Args:
        read: of `read_trained_state`.
        module: its parameters.
        optimizer: of all of them.
    """
    weights, adam = read
    load_weights(weights, module)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": adam, "param_groups": groups})
