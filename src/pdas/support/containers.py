"""Copies of nested containers, as batches are, whose tensors are the same or copies as well."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence
from dataclasses import fields, is_dataclass
from operator import is_
from pickle import PicklingError
from typing import Any

import numpy as np
from torch import Tensor

OfTensor = Callable[[Tensor, str], Tensor]
"""From a tensor and its path, as "batch[0]", to what stands for it in the copy."""

_DATA = (str, bytes, int, float, complex, type(None), np.ndarray, np.generic, bytearray, array)
_PLAIN = (list, dict)  # the most frequent containers


def with_own_containers(value: Any, of_tensor: OfTensor, path: str) -> Any:
    """A copy of all containers in a value, however nested.

    Lists, mappings, tuples, named tuples, dataclasses and objects of other classes are containers;
    the parts of the last two are their attributes. What is none is shared with the copy: numbers,
    strings, numpy arrays, functions and modules, and objects that cannot be copied.

    Args:
        value: anything.
        of_tensor: called with every tensor and its path.
        path: of the value itself.

    Example:
        own = with_own_containers(batch, lambda tensor, path: tensor, "batch")
        own.pop("labels")  # which `batch` still has
    """
    return _Copy(of_tensor)(value, path)


def cloned(value: Any) -> Any:
    """A copy of inputs, their tensors included, since a network may work in place.

    Args:
        value: tensors in nested containers, see `with_own_containers`.
    """
    return with_own_containers(value, lambda tensor, path: tensor.detach().clone(), "input")


class _Copy:
    """Copies a value. What is in it twice, or contains itself, is so in the copy too."""

    def __init__(self, of_tensor: OfTensor) -> None:
        self._of_tensor = of_tensor
        # By the id of what was copied, which is kept too: no id is used again within its life.
        self._copies: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any, path: str) -> Any:
        if isinstance(value, Tensor):
            return self._of_tensor(value, path)
        if type(value) not in _PLAIN:  # which need no further questions, since each costs time
            if isinstance(value, tuple):
                return self._tuple(value, path)
            if isinstance(value, _DATA) or callable(value):
                return value
            if isinstance(value, Mapping) and not isinstance(value, MutableMapping):
                return self._mapping(value, path)
        if id(value) not in self._copies:
            own = _shallow(value)
            self._copies[id(value)] = value, own
            if own is not value:
                self._fill(own, path)
        return self._copies[id(value)][1]

    def _tuple(self, value: Any, path: str) -> Any:
        """A tuple that cannot change; it is itself if nothing inside needs a copy."""
        parts = [self(part, f"{path}[{index}]") for index, part in enumerate(value)]
        if all(map(is_, parts, value)):
            return value
        return value._make(parts) if hasattr(value, "_make") else type(value)(parts)

    def _mapping(self, value: Any, path: str) -> Any:
        """A mapping that cannot change; it is itself if nothing inside needs a copy."""
        parts = {key: self(part, f"{path}[{key!r}]") for key, part in value.items()}
        same = all(part is value[key] for key, part in parts.items())
        return value if same else type(value)(parts)

    def _fill(self, own: Any, path: str) -> None:
        """Replace each part of a shallow copy by a copy of its own."""
        if isinstance(own, dict | MutableMapping):
            for key, part in list(own.items()):
                own[key] = self(part, f"{path}[{key!r}]")
        elif isinstance(own, list | MutableSequence):
            for index, part in enumerate(own):
                own[index] = self(part, f"{path}[{index}]")
        else:
            for name in _attributes(own):
                # Not `setattr`, which a frozen dataclass refuses.
                object.__setattr__(own, name, self(getattr(own, name), f"{path}.{name}"))


def _attributes(value: Any) -> list[str]:
    if hasattr(value, "__dict__"):
        return list(vars(value))
    return [field.name for field in fields(value)] if is_dataclass(value) else []


def _shallow(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value.copy()
    try:
        return copy.copy(value)
    except (TypeError, PicklingError):  # as an open file
        return value


class Versions:
    """The tensors in nested containers, with PyTorch's count of changes in place.

    The count is that of the memory, so it sees changes through views as well.

    Example:
        versions = Versions.of(batch, "batch")
        batch[0].mul_(2)
        versions.changed()  # "batch[0]"
    """

    def __init__(self) -> None:
        self._seen: list[tuple[Tensor, str, int]] = []

    @classmethod
    def of(cls, value: Any, path: str) -> Versions:
        """Those of a value, whose path begins the paths of its tensors."""
        versions = cls()
        with_own_containers(value, versions.keep, path)
        return versions

    def keep(self, tensor: Tensor, path: str) -> Tensor:
        """Remember a tensor, which is returned."""
        if not tensor.is_inference():  # those have no count, and PyTorch lets nothing change them
            self._seen.append((tensor, path, tensor._version))
        return tensor

    def changed(self) -> str | None:
        """The path of the first tensor that has changed since; None if there is none."""
        for tensor, path, version in self._seen:
            if tensor._version != version:
                return path
        return None
