"""The weights of a network in a file."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save
from torch import nn

from pdas.support.files import atomic_write


def save_weights(network: nn.Module, file: Path) -> None:
    """Save the weights of a network in a file of safetensors.

    Args:
        network: on any device.
        file: replaced as a whole if it exists.

    Raises:
        RunError: the file cannot be written.
    """
    # safetensors refuses other layouts, as that of a channels-last weight.
    weights = {name: w.contiguous() for name, w in network.state_dict().items()}
    with atomic_write(file) as stream:
        stream.write(save(weights))


def load_weights(network: nn.Module, file: Path) -> None:
    """Put the weights in a file into a network; for `Run.read`, which makes errors one line.

    Args:
        network: of the same architecture and size; changed in place.
        file: of `save_weights`.

    Raises:
        ValueError: the weights are those of another network.
    """
    weights = load_file(file)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"other weights than those of result.json: {error}") from None
