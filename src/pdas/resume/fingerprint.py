"""Short texts that tell whether data and functions are the same as before."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pdas.distributed.fabric import Fabric
from pdas.resume.data_sets import Rows
from pdas.support.random_state import at_seed

EXAMPLES = 16  # of a data set that are looked at
CHUNK = 4096  # rows of tensors that are looked at together


def of_value(value: object) -> str:
    """Of tensors, arrays and plain values, also within lists, mappings and dataclasses.

    Of anything else only the type is known.

    Args:
        value: to be told from others.

    Returns:
        12 hexadecimal digits.
    """
    sha256 = hashlib.sha256()
    _add(sha256, value)
    return sha256.hexdigest()[:12]


def of_training(
    name: str, net: nn.Module, loaders: Sequence[Any], fabric: Fabric
) -> dict[str, object]:
    """Of the network, the data and the devices of a training, by name.

    Args:
        name: of the argument that is the network.
        net: before its training. Of its weights the shapes are compared, as they may be restored.
        loaders: of all data sets.
        fabric: devices and precision.
    """
    shapes = {key: (str(each.dtype), tuple(each.shape)) for key, each in _tensors(net)}
    modules = [type(each).__name__ for each in net.modules()]
    return {
        name: f"{type(net).__name__} of {len(shapes)} tensors, {of_value([modules, shapes])}",
        "data": " and ".join(map(of_loader, loaders)),
        "devices": fabric.world_size,
        "precision": str(fabric.strategy.precision.precision),
    }


def _tensors(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and persistent buffers, but for those whose shape is not known yet."""
    for key, each in net.state_dict(keep_vars=True).items():
        if isinstance(each, Tensor) and not is_lazy(each):
            yield key, each


def of_loader(loader: Any) -> str:
    """Of the batches of a loader, without a draw of their order.

    Of tensors all rows are looked at, of another data set behind the loader, and of a list of
    batches, 16 at equal distances. Of anything else, and of what is drawn anew each time, only the
    numbers of batches and examples are known.

    Args:
        loader: of a data set.

    Returns:
        As "32 batches of 512 examples, 5f0c1a2b3c4d".
    """
    source = getattr(loader, "dataset", loader)
    text = f"{len(loader)} batches"
    if source is not loader and hasattr(source, "__len__"):
        text += f" of {len(source)} examples"
    content = _content(source)
    return text if content is None else f"{text}, {content}"


def of_function(function: Any) -> tuple[str, str]:
    """The name of a function or of a type of callable objects, and a fingerprint of its code.

    The code is that of the function itself, with its constants, its default arguments and the
    numbers and texts that it closes over; not of what it calls.
    """
    given: list[object] = [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    while isinstance(function, functools.partial):
        given += [list(function.args), function.keywords]
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    call = function if hasattr(function, "__code__") else getattr(function, "__call__", None)  # noqa: B004
    call = getattr(call, "__func__", call)
    code, defaults = (getattr(call, name, None) for name in ("__code__", "__defaults__"))
    given += [code, defaults, _closed_over(call)]
    return name, of_value(given)


def _content(source: Any) -> str | None:
    """Of the examples of a data set; None if they cannot be indexed, or change by themselves."""
    if not (hasattr(source, "__getitem__") or hasattr(source, "__getitems__")):
        return None
    try:
        n = len(source)
        if isinstance(source, Rows):
            parts = [range(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)]
            return of_value([of_value(source.__getitems__(list(part))) for part in parts])
        indices = np.unique(np.linspace(0, n - 1, EXAMPLES).astype(int)).tolist()
        first, again = (_examples(source, some) for some in (indices, indices[:1]))
    except Exception:  # of any type, since the data set is the user's and need not be indexed
        return None
    return of_value(first) if first[:1] == again else None


def _examples(source: Any, indices: Sequence[int]) -> list[str]:
    """A fingerprint of each; draws of the global generators begin at a seed and leave no trace."""
    with at_seed(0):
        if hasattr(source, "__getitem__"):
            return [of_value(source[index]) for index in indices]
        return [of_value(each) for each in source.__getitems__(list(indices))]


def _add(sha256: Any, value: object) -> None:
    """Add a value, after its type."""
    sha256.update(f"<{type(value).__name__}>".encode())
    if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized:
        plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        sha256.update(f"{value.dtype}{tuple(value.shape)}".encode())
        sha256.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(value, np.ndarray | np.generic) and not np.asarray(value).dtype.hasobject:
        array = np.ascontiguousarray(value)
        sha256.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    elif isinstance(value, bytes):
        sha256.update(value)
    elif value is None or isinstance(value, bool | int | float | complex | str):
        sha256.update(repr(value).encode("utf-8", "replace"))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            _add(sha256, key)
            _add(sha256, each)
    elif isinstance(value, set | frozenset):
        for text in sorted(map(of_value, value)):
            sha256.update(text.encode())
    elif isinstance(value, list | tuple | range):
        for each in value:
            _add(sha256, each)
    elif isinstance(value, CodeType):
        sha256.update(value.co_code)
        _add(sha256, [value.co_names, value.co_consts])
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            _add(sha256, getattr(value, field.name))
    elif hasattr(value, "__array_interface__"):  # as an image of PIL
        _add(sha256, np.asarray(value))


def _closed_over(function: object) -> list[object]:
    """The numbers and texts that a function closes over; None in the place of what may grow."""
    try:
        held = inspect.getclosurevars(function).nonlocals.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):  # it is no function, or a variable has no value yet
        return []
    return [each if isinstance(each, int | float | str) else None for each in held]
