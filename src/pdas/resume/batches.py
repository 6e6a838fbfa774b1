"""The batches of a training, pass after pass, which continue from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

import torch

from pdas.distributed.default_device import made_on
from pdas.distributed.ranks import Ranks
from pdas.support.errors import SettingError
from pdas.support.random_state import random_state, set_random_state
from pdas.support.refusals import refuse

_END: Any = object()  # what comes after the last batch


class Loader(Protocol):
    """A data set in batches. Every iteration starts a new pass."""

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class Passes(Protocol):
    """Passes over a data set without end."""

    def __next__(self) -> Any: ...

    def __len__(self) -> int: ...


def one_pass(loader: Loader) -> Iterator[Any]:
    """A pass over a loader.

    Raises:
        SettingError: it has no batch, as a second pass over what can be iterated only once.
    """
    is_empty = True
    home = _device_of(generators_of(loader))
    with made_on(home):
        batches = iter(loader)
    while True:
        with made_on(home):  # torch's own loaders and samplers draw without a device
            batch = next(batches, _END)
        if batch is _END:
            break
        is_empty = False
        yield batch
    if is_empty:
        refuse(
            SettingError,
            "data",
            found=f"a pass over {type(loader).__name__} without batches, though its length is "
            f"{len(loader)}",
            expected="a new pass whenever it is iterated",
            remedy="begin anew in __iter__, or use torch.utils.data.DataLoader",
        )


def in_shares(loader: Any, ranks: Ranks) -> Any:
    """A loader whose batches all ranks decode together, if it can do that; else the same one.

    Args:
        loader: one with `in_shares(ranks)` can do that, as `pdas.data.batches.Batches`.
        ranks: all take the same batches at the same time.
    """
    return loader.in_shares(ranks) if hasattr(loader, "in_shares") else loader


def generators_of(loader: Loader) -> list[torch.Generator]:
    """Those of a loader and of its samplers."""
    samplers = (getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None))
    holders = (loader, *samplers, getattr(samplers[1], "sampler", None))
    found = (getattr(holder, "generator", None) for holder in holders)
    # By identity, since a loader and its sampler often have the same generator.
    return list({id(each): each for each in found if isinstance(each, torch.Generator)}.values())


def _device_of(generators: list[torch.Generator]) -> torch.device:
    """Where a loader draws its order."""
    return next((each.device for each in generators), torch.device("cpu"))


class ResumableBatches:
    """The batches of a loader, pass after pass without end.

    The state is that of the random generators at the start of the pass, and the number of batches
    taken from the pass. A loader with `pass_from(n)` continues a pass at its batch n. For any other
    loader the first n batches are read again.

    Args:
        loader: of a data set.

    Attributes:
        generators: those of the loader and of its samplers.

    Example:
        batches = ResumableBatches(DataLoader(data, 32, shuffle=True))
        first = next(batches)
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self.generators = generators_of(loader)
        self._pass: Iterator[Any] = iter(())
        self._start: dict[str, Any] | None = None
        self._taken = 0

    def __len__(self) -> int:
        """The number of batches in a pass."""
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._pass)
        except StopIteration:
            # Before `iter`, which draws the order of the pass.
            self._start, self._taken = random_state(self.generators), 0
            self._pass = one_pass(self._loader)
            batch = next(self._pass)
        self._taken += 1
        return batch

    def one_pass(self) -> Iterator[Any]:
        """A whole pass, which does not change the position of `next`.

        It draws from the generators of the loader, so it changes the order of later passes.
        """
        return one_pass(self._loader)

    def state_dict(self) -> dict[str, Any]:
        """The position in the pass, and the random generators at its start."""
        return {"start": self._start, "taken": self._taken, "length": len(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position.

        This changes the random generators, so the caller has to set their state afterwards.

        Raises:
            ValueError: the length of a pass has changed.
        """
        if state["length"] != len(self):
            raise ValueError(f"a pass had {state['length']} batches, and now has {len(self)}")
        self._start, self._taken = state["start"], int(state["taken"])
        if self._start is None:
            return
        set_random_state(self._start, self.generators)
        if hasattr(self._loader, "pass_from"):
            self._pass = self._loader.pass_from(self._taken)
        else:
            self._pass = one_pass(self._loader)
            for _ in islice(self._pass, self._taken):
                pass
