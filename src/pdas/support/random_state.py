"""The state of every random generator that a training may draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

GENERATOR = 625  # numbers at most that a generator of Python or numpy has inside


def random_state(generators: Sequence[torch.Generator] = ()) -> dict[str, Any]:
    """The states of all random generators.

    Args:
        generators: further ones, beside the global ones of torch (on all devices), of Python and
            of numpy.

    Returns:
        Plain data and tensors.

    Example:
        state = random_state()
        torch.rand(3)
        set_random_state(state)  # the next three are the same
    """
    version, internal, gauss = random.getstate()
    # The user's data sets and losses may draw from the old global generator of numpy.
    name, keys, *rest = np.random.get_state(legacy=True)
    # Long lists of numbers become tensors, since they would pickle slowly.
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": (version, torch.tensor(internal), gauss),
        "numpy": (name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "given": [generator.get_state() for generator in generators],
    }


def set_random_state(state: dict[str, Any], generators: Sequence[torch.Generator] = ()) -> None:
    """Continue from `random_state(generators)`.

    Args:
        state: the result of `random_state`.
        generators: as many as there, in the same order.
    """
    version, internal, gauss = state["python"]
    name, keys, *rest = state["numpy"]
    for numbers in (internal, keys):  # which may have few numbers in memory and many in its shape
        if numbers.numel() > GENERATOR:
            raise ValueError(f"a generator of {numbers.numel()} numbers")
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])
    random.setstate((version, tuple(internal.tolist()), gauss))
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    for generator, each in zip(generators, state["given"], strict=True):
        generator.set_state(each.cpu())


@contextmanager
def at_seed(seed: int, generators: Sequence[torch.Generator] = ()) -> Iterator[None]:
    """Within it, all generators begin at a seed; afterwards they have their former states.

    Args:
        seed: from 0.
        generators: further ones, beside the global ones.
    """
    before = random_state(generators)
    seed_all(seed, generators)
    try:
        yield
    finally:
        set_random_state(before, generators)


def seed_all(seed: int, generators: Sequence[torch.Generator] = ()) -> None:
    """Let all generators begin at a seed.

    Args:
        seed: from 0.
        generators: further ones, beside the global ones.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    for generator in generators:
        generator.manual_seed(seed)
