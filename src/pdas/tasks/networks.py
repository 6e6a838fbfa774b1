"""The network of a retraining from its files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.spaces.base import FAMILIES

if TYPE_CHECKING:
    from torch import nn


def load_network(retrained: Run) -> nn.Module:
    """The plain network of one `retrain-<seed>/`, in evaluation mode.

    Raises:
        RunError: its files are missing or damaged.
    """
    return retrained.read("result.json", partial(_parse, retrained))


def _parse(retrained: Run, file: Path) -> nn.Module:
    # Here, since the registry of tasks imports this file, and that must not import torch.
    from pdas.runs.weights import load_weights

    result = parse_json(file)
    family = FAMILIES[str(result["network"]["space"])]
    network = family.network(result["architecture"], family.parsed_size(result["network"]))
    retrained.read("weights.safetensors", partial(load_weights, network))
    return network.eval()
