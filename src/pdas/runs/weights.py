"""The weights of a network in a file."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load, save
from torch import nn

from pdas.support.files import atomic_write
from pdas.support.opening import read_bytes

HEADER = 1_000  # bytes at most that the file says of a weight before its numbers


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
    state = network.state_dict()
    most = sum(weight.nbytes for weight in state.values()) + HEADER * (len(state) + 1)
    weights = load(read_bytes(file, most))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"other weights than those of result.json: {error}") from None
