"""The state of every random generator that a training may draw from.

Of the devices only that of the training counts. A machine may have others, which are of no concern
to it, and a later machine fewer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

WITHOUT_GENERATOR = ("cpu", "meta")  # types of devices that have none beside that of the CPU
GENERATOR = 625  # numbers at most that a generator of Python or numpy has inside


def random_state(
    generators: Sequence[torch.Generator] = (), device: torch.device | None = None
) -> dict[str, Any]:
    """The states of all random generators.

    Args:
        generators: further ones, beside the global ones of torch, of Python and of numpy.
        device: whose own global generator is drawn from too, beside that of the CPU.

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
    module = _module(device)
    # Long lists of numbers become tensors, since they would pickle slowly.
    return {
        "torch": torch.get_rng_state(),
        "device": None if module is None else module.get_rng_state(*_which(device)),
        "python": (version, torch.tensor(internal, device="cpu"), gauss),
        "numpy": (name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "given": [generator.get_state() for generator in generators],
    }


def set_random_state(
    state: dict[str, Any],
    generators: Sequence[torch.Generator] = (),
    device: torch.device | None = None,
) -> None:
    """Continue from `random_state(generators, device)`.

    Args:
        state: the result of `random_state`.
        generators: as many as there, in the same order.
        device: of the same type as there, with any index.
    """
    version, internal, gauss = state["python"]
    name, keys, *rest = state["numpy"]
    for numbers in (internal, keys):  # which may have few numbers in memory and many in its shape
        if numbers.numel() > GENERATOR:
            raise ValueError(f"a generator of {numbers.numel()} numbers")
    torch.set_rng_state(state["torch"].cpu())
    module = _module(device)
    if module is not None and state["device"] is not None:
        module.set_rng_state(state["device"].cpu(), *_which(device))
    random.setstate((version, tuple(internal.tolist()), gauss))
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    for generator, each in zip(generators, state["given"], strict=True):
        generator.set_state(each.cpu())


@contextmanager
def at_seed(
    seed: int, generators: Sequence[torch.Generator] = (), device: torch.device | None = None
) -> Iterator[None]:
    """Within it, all generators begin at a seed; afterwards they have their former states.

    Args:
        seed: from 0.
        generators: further ones, beside the global ones.
        device: see `random_state`.
    """
    before = random_state(generators, device)
    seed_all(seed, generators, device)
    try:
        yield
    finally:
        set_random_state(before, generators, device)


def seed_all(
    seed: int, generators: Sequence[torch.Generator] = (), device: torch.device | None = None
) -> None:
    """Let all generators begin at a seed.

    Args:
        seed: from 0.
        generators: further ones, beside the global ones.
        device: see `random_state`.
    """
    torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would seed all devices
    module = _module(device)
    if module is not None:
        seeded = torch.Generator(device).manual_seed(seed).get_state()
        module.set_rng_state(seeded, *_which(device))
    random.seed(seed)
    np.random.seed(seed)
    for generator in generators:
        generator.manual_seed(seed)


def _module(device: torch.device | None) -> Any:
    """The module of torch for a device with a generator of its own, as `torch.cuda`, or None."""
    if device is None or device.type in WITHOUT_GENERATOR:
        return None
    return torch.get_device_module(device)


def _which(device: torch.device | None) -> tuple[torch.device, ...]:
    """How the functions of `_module` are told a device: there is but one of MPS.

    Not all versions of torch let them be told that one.
    """
    return () if device is None or device.type == "mps" else (device,)
