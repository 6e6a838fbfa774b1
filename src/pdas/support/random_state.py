"""The state of every random generator that a training may draw from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def random_state(generators: Sequence[torch.Generator] = ()) -> dict[str, Any]:
    """The state of the global generators and of further ones.

    The global ones are those of torch, on all devices, of Python and of numpy.

    Args:
        generators: further ones; `set_random_state` needs them in the same order.

    Returns:
        Plain data and tensors. Many numbers are a tensor, since one by one they pickle slowly.
    """
    version, internal, gauss = random.getstate()
    name, keys, *rest = np.random.get_state(legacy=True)  # of a user's data sets and losses
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": (version, torch.tensor(internal), gauss),
        "numpy": (name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "given": [generator.get_state() for generator in generators],
    }


def set_random_state(state: dict[str, Any], generators: Sequence[torch.Generator] = ()) -> None:
    """Continue from a `random_state(generators)`."""
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal.tolist()), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    for generator, each in zip(generators, state["given"], strict=True):
        generator.set_state(each.cpu())
