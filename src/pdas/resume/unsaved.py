"""What a module changes in training, but leaves out of its `state_dict`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

_Generator = torch.Generator | np.random.Generator | np.random.RandomState | random.Random


class Unsaved:
    """Buffers of `persistent=False`, and random generators that are attributes of modules.

    Args:
        module: that has them, in itself or in modules within it.

    Example:
        Resumable(checkpoints, {"net": net, "unsaved": Unsaved(net)}, ranks, must_match={})
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def state_dict(self) -> dict[str, Any]:
        """All of them, as plain data and tensors."""
        return {
            "buffers": {name: owner._buffers[key] for name, owner, key in self._buffers()},
            "generators": {name: _state(each) for name, each in self._generators()},
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`.

        Raises:
            ValueError: one is missing.
        """
        _check("buffers", state["buffers"], [name for name, _, _ in self._buffers()])
        for name, owner, key in self._buffers():
            own, kept = owner._buffers[key], state["buffers"][name]
            if own is not None and kept is not None and own.shape == kept.shape:
                own.copy_(kept)  # in place, since others may refer to it
            else:
                owner._buffers[key] = kept if own is None or kept is None else kept.to(own)
        _check("random generators", state["generators"], [name for name, _ in self._generators()])
        for name, generator in self._generators():
            _set_state(generator, state["generators"][name])

    def _buffers(self) -> Iterator[tuple[str, nn.Module, str]]:
        for path, owner in self._module.named_modules():
            for key in sorted(owner._non_persistent_buffers_set):
                if key in owner._buffers:
                    yield f"{path}.{key}".lstrip("."), owner, key

    def _generators(self) -> Iterator[tuple[str, _Generator]]:
        for path, owner in self._module.named_modules():
            for key, value in vars(owner).items():
                if isinstance(value, _Generator):
                    yield f"{path}.{key}".lstrip("."), value


def _check(what: str, kept: Mapping[str, Any], names: list[str]) -> None:
    if sorted(kept) != sorted(names):
        raise ValueError(f"the module had the {what} {sorted(kept)}, and now has {sorted(names)}")


def _state(generator: _Generator) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        version, internal, gauss = generator.getstate()
        return version, torch.tensor(internal, device="cpu"), gauss
    if isinstance(generator, np.random.Generator):
        return _with_tensors(generator.bit_generator.state)
    return _with_tensors(generator.get_state(legacy=False))


def _set_state(generator: _Generator, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state.cpu())
    elif isinstance(generator, random.Random):
        version, internal, gauss = state
        generator.setstate((version, tuple(internal.tolist()), gauss))
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = _with_arrays(state)
    else:
        generator.set_state(_with_arrays(state))


def _with_tensors(value: Any) -> Any:
    """A state of numpy as plain data and tensors; its arrays are of unsigned integers."""
    if isinstance(value, Mapping):
        return {key: _with_tensors(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return [str(value.dtype), torch.from_numpy(value.astype(np.int64))]
    return value


def _with_arrays(value: Any) -> Any:
    """The inverse of `_with_tensors`."""
    if isinstance(value, Mapping):
        return {key: _with_arrays(each) for key, each in value.items()}
    if isinstance(value, list):
        return value[1].cpu().numpy().astype(value[0])
    return value
