"""A checksum of what must be the same on all ranks."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from torch import Tensor, nn


def digest(component: Any) -> str:
    """A checksum of the parameters of a module, or of a state of plain data and tensors."""
    if not isinstance(component, nn.Module):
        plain_state = json.dumps(component.state_dict(), default=_plain)
        return hashlib.sha256(plain_state.encode()).hexdigest()
    parameters = [parameter.detach().reshape(-1) for parameter in component.parameters()]
    sha256 = hashlib.sha256()
    # Joined on the device, so that a GPU is read once and not for each of a thousand tensors.
    for dtype in sorted({each.dtype for each in parameters}, key=str):
        plain = torch.cat([each for each in parameters if each.dtype == dtype]).cpu()
        sha256.update(plain.view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def _plain(value: object) -> Any:
    """A tensor in a state, as plain data."""
    if isinstance(value, Tensor):
        return value.detach().cpu().tolist()
    raise TypeError(f"found {type(value).__name__} in a state, expected plain data and tensors")
