"""The arguments of `pdas.search`, checked and completed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence, Sized
from concurrent.futures import Executor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from pdas.data.splits import halves
from pdas.distributed.devices import check_samples
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.settings import SearchSettings
from pdas.resume.batches import Loader
from pdas.searches.planning import MOST_FINALISTS
from pdas.searches.trial import Derive, Trial
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NetworkError, SettingError
from pdas.support.refusals import refuse


def space_of(net: nn.Module) -> SearchSpace:
    """The search space of a network.

    Raises:
        SettingError: it has none.
    """
    space = getattr(net, "space", None)
    if not isinstance(space, SearchSpace):
        raise SettingError(
            f"net: {type(net).__name__} has no search space, expected pdas.nn.Supernet(module) "
            "of a module with choices, or a module with an attribute `space`, a pdas.SearchSpace, "
            "and `forward(x, architecture)`; devices are chosen by `fabric`, without a wrapper"
        )
    return space


def check_kinds(loss: object, limit: object, penalty: object, weights: object = None) -> None:
    """Check the types of four arguments of `pdas.search`.

    Raises:
        SettingError: one is of another type.
    """
    if not callable(loss):
        refuse(
            SettingError,
            "loss",
            found=type(loss).__name__,
            expected="a function loss(model, batch) that calls the model",
        )
    if weights is not None and not callable(weights):
        refuse(
            SettingError,
            "weights",
            found=type(weights).__name__,
            expected="a function weights(parameters) that makes their optimizer",
            remedy="set optimizer= to choose one by its name",
        )
    limits = (limit or ["none"]) if isinstance(limit, Sequence) else [limit]
    for name, value, kind in (
        *(("limit", each, Limit) for each in limits),
        ("penalty", penalty, Penalty),
    ):
        if value is not None and not isinstance(value, kind):
            refuse(
                SettingError,
                name,
                found=type(value).__name__,
                expected=f"one pdas.{kind.__name__}",
                remedy="make it of net.cost(...)",
            )


def refuse_twice(overrides: Mapping[str, Any], **functions: object) -> None:
    """Refuse a setting beside the function that takes its place."""
    for name, function in functions.items():
        if function is not None and name in overrides:
            refuse(
                SettingError,
                name,
                found="a setting and a function for the same",
                expected="one of both",
                remedy="leave one out",
            )


def most_networks(space: SearchSpace) -> int:
    """The largest number of finalists: at most the number of architectures in the space."""
    networks: int = math.prod(space.sizes.tolist())
    return min(networks, MOST_FINALISTS)


def derive_of(net: nn.Module, derive: Derive | None) -> Derive | None:
    """The function that makes the network of an architecture.

    Args:
        net: the supernet.
        derive: the argument of `pdas.search`.

    Returns:
        `derive`; else `net.derive` if it needs only an architecture; else None. Some supernets
        also need the size of images; their task passes a `derive` that knows it.
    """
    own: Derive | None = getattr(net, "derive", None)
    if derive is not None or own is None:
        return derive
    return own if _takes_an_architecture(own) else None


def _takes_an_architecture(derive: Derive) -> bool:
    try:
        inspect.signature(derive).bind(None)
    except TypeError:
        return False
    return True


def check_derive(
    net: nn.Module,
    derive: Derive | None,
    share: float,
    trial: Trial,
    architecture: Architecture,
) -> None:
    """Check that finalists have networks that can be trained, before the search begins.

    Args:
        net: the supernet.
        derive: see `derive_of`.
        share: of the search that trains finalists; with 0 nothing is checked.
        trial: derives the network.
        architecture: any one, which is tried.

    Raises:
        SettingError: there is no `derive`, it fails, or it makes no module.
    """
    if not share:
        return
    found = f"search.finalists_share: found {share}, while "
    if derive is None:
        raise SettingError(
            f"{found}{type(net).__name__} has no derive(architecture) that makes a network of it; "
            "pass derive=, or set finalists=0"
        )
    if not callable(derive):
        raise SettingError(
            f"derive: found {type(derive).__name__}, expected a function that makes the network of "
            "an architecture"
        )
    try:
        network: object = trial.network(derive, architecture)
    except NetworkError as error:
        raise SettingError(
            f"{found}no network can be derived to be trained ({error}); correct that, or set "
            "finalists=0"
        ) from None
    if not isinstance(network, nn.Module):
        raise SettingError(
            f"{found}derive makes a {type(network).__name__}, expected a module with fresh "
            "weights; correct it, or set finalists=0"
        )


def check_ranks(settings: SearchSettings, executor: object, ranks: int) -> None:
    """Check the number of samples and the executor.

    Args:
        settings: of the search.
        executor: the argument of `pdas.search`.
        ranks: how many there are.

    Raises:
        SettingError: the ranks cannot share the samples equally, or the executor is none or beside
            several ranks.
    """
    check_samples("samples", settings.samples, ranks)
    if executor is not None and not isinstance(executor, Executor):
        refuse(
            SettingError,
            "executor",
            found=type(executor).__name__,
            expected="one of concurrent.futures",
            remedy="leave it out to train finalists in this process",
        )
    if executor is not None and ranks > 1:
        refuse(
            SettingError,
            "executor",
            found=f"one beside {ranks} devices, which share the trainings of finalists already",
            expected="none",
            remedy="leave it out, or use one device",
        )


def both_halves(
    data: Dataset[Any] | tuple[Loader, Loader], batch_size: int, seed: int
) -> tuple[Loader, Loader]:
    """The loaders of D_W and of D_theta.

    Args:
        data: a data set, which is split into random halves; or the two halves, as two data sets or
            as two loaders. Data sets are shuffled in every pass, loaders are used unchanged.
        batch_size: of the batches of data sets.
        seed: of the split and the shuffling.

    Raises:
        SettingError: the data are of another type, or a half does not fill a batch.
    """
    # One generator draws the split first, then the order of both halves.
    generator = torch.Generator().manual_seed(seed)
    if not isinstance(data, tuple):
        parts: Any = _split(data, generator)
    elif len(data) == 2 and all(map(_is_data_set, data)):
        parts = data
    else:
        return _loaders(data)
    check_batch_size(batch_size, min(map(len, parts)), "batch_size")
    first, second = (_shuffled(part, batch_size, generator) for part in parts)
    return first, second


def _loaders(data: tuple[Loader, ...]) -> tuple[Loader, Loader]:
    _refuse_tensors(data)
    sizes = [len(part) if isinstance(part, Sized) else None for part in data]
    if len(sizes) != 2 or not all(sizes):
        raise SettingError(
            f"data: found {len(sizes)} parts of {sizes} batches, expected the two halves, "
            "each with a length and at least one batch; make a generator a list"
        )
    first, second = data
    return first, second


def _split(data: Dataset[Any], generator: torch.Generator) -> list[Subset[Any]]:
    _refuse_tensors((data,))
    if not isinstance(data, Sized) or isinstance(data, DataLoader):
        raise SettingError(
            f"data: found {type(data).__name__}, expected a map-style data set with a length, to "
            "be split in halves, or the two halves as a tuple of data sets or of loaders"
        )
    return [Subset(data, half.tolist()) for half in halves(len(data), generator)]


def _shuffled(data: Dataset[Any], batch_size: int, generator: torch.Generator) -> Loader:
    tensors = _tensors(data)
    rows = data if tensors is None else _Rows(tensors)
    collate = None if tensors is None else _as_they_are
    return DataLoader(
        rows, batch_size, shuffle=True, drop_last=True, generator=generator, collate_fn=collate
    )


class _Rows(Dataset[Any]):
    """Rows of tensors, indexed by whole batches, which is much faster than one by one."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return [tensor[indices] for tensor in self._tensors]


def _as_they_are(batch: list[Tensor]) -> list[Tensor]:
    # Defined in the module, not inside a function, so that loaders pickle for an executor.
    return batch


def _tensors(data: Dataset[Any]) -> Sequence[Tensor] | None:
    """The tensors of a `TensorDataset`, or copies of a subset of them; None of other data."""
    if type(data) is TensorDataset:
        return data.tensors
    if type(data) is Subset and type(data.dataset) is TensorDataset:
        return [tensor[list(data.indices)] for tensor in data.dataset.tensors]
    return None


def _is_data_set(data: object) -> bool:
    mapped = isinstance(data, Dataset) and not isinstance(data, IterableDataset)
    return mapped and isinstance(data, Sized)


def _refuse_tensors(parts: Sequence[object]) -> None:
    for part in parts:
        if isinstance(part, np.ndarray) or (isinstance(part, torch.Tensor) and len(parts) > 1):
            raise SettingError(
                f"data: found a {type(part).__name__} by itself, expected a data set; pass "
                "torch.utils.data.TensorDataset(x, y)"
            )


def check_batch_size(
    batch_size: int, half_size: int, argument: str = "--set search.batch_size"
) -> None:
    """Check that each half of the training data fills a batch.

    Args:
        batch_size: examples in a batch.
        half_size: examples in the smaller half.
        argument: the name under which the user sets the batch size, for the message.

    Raises:
        SettingError: the batch size is not from 1 to `half_size`.
    """
    if not 1 <= batch_size <= half_size:
        remedy = f"add {argument}={half_size} or more images" if half_size else "add images"
        raise SettingError(
            f"search.batch_size: found {batch_size}, expected 1 to {half_size}, the size of a half "
            f"of the training data; {remedy}"
        )
