"""Batches of a training, pass after pass, that continue where a checkpoint has left them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

import torch

from pdas.support.random_state import random_state, set_random_state


class Loader(Protocol):
    """One pass over a data set in batches; every iteration starts a new pass."""

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class Passes(Protocol):
    """Passes over a data set without end."""

    def __next__(self) -> Any: ...

    def __len__(self) -> int: ...


class ResumableBatches:
    """The batches of a loader, pass after pass without end.

    The state is that of the random generators at the start of the pass, and how many batches of the
    pass have been taken. A loader with `pass_from(n)` begins a pass at its batch n; of another one
    the first n are taken again.

    Attributes:
        generators: the loader's own, and those of its samplers.

    Example:
        batches = ResumableBatches(DataLoader(data, 32, shuffle=True))
        first = next(batches)
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        samplers = (getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None))
        holders = (loader, *samplers, getattr(samplers[1], "sampler", None))
        found = (getattr(holder, "generator", None) for holder in holders)
        unique = {id(each): each for each in found if isinstance(each, torch.Generator)}
        self.generators = list(unique.values())
        self._pass: Iterator[Any] = iter(())
        self._start: dict[str, Any] | None = None
        self._taken = 0

    def __len__(self) -> int:
        """Batches in a pass."""
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._pass)
        except StopIteration:
            self._start, self._taken = random_state(self.generators), 0
            self._pass = iter(self._loader)
            batch = next(self._pass)
        self._taken += 1
        return batch

    def one_pass(self) -> Iterator[Any]:
        """A whole pass beside those of `next`, whose position stays as it is.

        It draws from the generators of the loader, so later passes are shuffled otherwise.
        """
        return iter(self._loader)

    def state_dict(self) -> dict[str, Any]:
        """The position in the pass, and the random generators at its start."""
        return {"start": self._start, "taken": self._taken, "length": len(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a position.

        It changes the random generators, so their own state is to be set afterwards.

        Raises:
            ValueError: a pass has another length than it had.
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
            self._pass = iter(self._loader)
            for _ in islice(self._pass, self._taken):
                pass
