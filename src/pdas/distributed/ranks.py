"""The ranks of a training, one process for each device: their shares, and their exchange.

In a search each rank has its share of the architectures of a step, in a retraining its part of each
batch. All else is the same on every rank: batches, optimizer, weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import zip_longest
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pdas.distributed.exchange.digest import digest
from pdas.distributed.exchange.gradients import add_up, gradients_used, used_weights
from pdas.distributed.exchange.messages import (
    everyones,
    exchanging,
    group_of,
    rank_zero_first,
)
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.support.errors import RankError, reason
from pdas.support.random_state import random_state, seed_all, set_random_state
from pdas.support.refusals import refuse

T = TypeVar("T")
S = TypeVar("S")
_NONE: Any = object()  # fills the share of a rank that has fewer items than another


class Ranks:
    """The processes of a `Fabric`. With a single process, no method does anything.

    All methods except `share` and `part` wait for every rank, so every rank has to call them.

    Args:
        fabric: launched, if it has several processes.

    Attributes:
        size: the number of ranks.
        index: that of this process.
        device: that of this process.

    Raises:
        RankError: in every method that waits, if another rank ended or does not answer.

    Example:
        ranks = Ranks(fabric)
        losses = ranks.gather([loss(each) for each in ranks.share(architectures)])
    """

    def __init__(self, fabric: Fabric) -> None:
        self.size = fabric.world_size
        self.index = fabric.global_rank
        self.device = fabric.device
        self._fabric = fabric
        self._own_random: dict[str, Any] | None = None
        # Common draws, as those of batches, must be the same on all ranks from the start.
        if self.size > 1:
            common = self.gather([random_state(device=self.device)])[0]
            set_random_state(common, device=self.device)

    def share(self, items: Sequence[T]) -> list[T]:
        """This rank's share of items that all ranks have: item i belongs to rank i mod `size`."""
        return list(items[self.index :: self.size])

    def gather(self, own: Sequence[T], *, patiently: bool = False) -> list[T]:
        """The items of all ranks, on every rank.

        Args:
            own: this rank's `share` of the items. They are pickled.
            patiently: whether to wait for ranks that take much longer than others.

        Returns:
            The items in their order before `share`.
        """
        return self.gather_with(own, None, patiently=patiently)[0]

    def gather_with(
        self, own: Sequence[T], summary: S, *, patiently: bool = False
    ) -> tuple[list[T], list[S]]:
        """As `gather`, and in the same message what each rank has to say of its share.

        Args:
            own: see `gather`.
            summary: of this rank; it is pickled.
            patiently: see `gather`.

        Returns:
            The items in their order before `share`, and the summaries by rank.
        """
        if self.size == 1:
            return list(own), [summary]
        group = group_of(self._fabric, patiently)
        everyone = everyones((list(own), summary), self.size, group)
        turns = zip_longest(*(share for share, _ in everyone), fillvalue=_NONE)
        items = [item for turn in turns for item in turn if item is not _NONE]
        return items, [each for _, each in everyone]

    def gather_of(self, compute: Callable[[], Sequence[T]]) -> list[T]:
        """As `gather`, of items that each rank computes, for which the others wait patiently.

        Where one fails all do, and none waits.

        Args:
            compute: makes this rank's `share` of the items. It exchanges nothing with other ranks
                but pixels that are decoded in shares.

        Raises:
            RankError: another rank has failed.
        """
        if self.size == 1:
            return list(compute())
        own: Sequence[T] = ()
        failure: Exception | None = None
        try:
            own = compute()
        except Exception as error:
            failure = error
        why = None if failure is None else reason(failure)
        items, failures = self.gather_with(own, why, patiently=True)
        if failure is not None:
            raise failure
        for index, each in enumerate(failures):
            if each is not None:
                raise RankError(f"rank {index}: failed ({each}), and with it all others")
        return items

    def any(self, *flags: bool) -> list[bool]:
        """Whether each flag is set on at least one rank."""
        if self.size == 1:
            return list(flags)
        found = torch.tensor(flags, dtype=torch.uint8, device="cpu")
        with exchanging():
            dist.all_reduce(found, dist.ReduceOp.MAX, group_of(self._fabric))
        return [bool(flag) for flag in found.tolist()]

    def stack(self, own: Tensor) -> Tensor:
        """A tensor of each rank, of one shape on all of them.

        Args:
            own: that of this rank, on the device, or on the CPU, where it is sent as messages are.

        Returns:
            `(size, *own.shape)`, the same on every rank.
        """
        if self.size == 1:
            return own[None]
        parts = torch.empty(self.size, *own.shape, dtype=own.dtype, device=own.device)
        group = group_of(self._fabric) if own.device.type == "cpu" else None
        with exchanging():
            dist.all_gather(list(parts), own, group)
        return parts

    @torch.no_grad()
    def add_gradients(
        self,
        parameters: Iterable[nn.Parameter],
        used: Sequence[bytes] | None = None,
        averaged: Sequence[Tensor] = (),
    ) -> None:
        """Add up the gradients of all ranks, in place.

        A parameter that no rank has used keeps no gradient, so its optimizer does not move it.

        Args:
            parameters: the same on all ranks.
            used: the `used_weights` of all ranks, if they are known; else they are exchanged.
            averaged: further tensors that are the same on all ranks, as running statistics. They
                are replaced by their mean, in the same messages.
        """
        if self.size == 1:
            return
        parameters = list(parameters)
        if used is None:
            used = self.gather([used_weights(parameters)])
        add_up([*gradients_used(parameters, used), *averaged])
        if averaged:
            torch._foreach_div_(list(averaged), self.size)

    @contextmanager
    def rank_zero_first(self) -> Iterator[bool]:
        """Run the block on rank 0 first, then on the others.

        Yields:
            Whether this is rank 0.
        """
        with rank_zero_first(self._fabric):
            yield self.index == 0

    def part(self, batch: Any) -> Any:
        """This rank's part of a batch, which every rank has; see `parts_of`."""
        return parts_of(batch, self.size, "device.devices")[self.index]

    def check_match(self, components: Mapping[str, Any]) -> None:
        """Check that the states of components are the same on every rank.

        Args:
            components: modules or objects with a `state_dict` of plain data, by the name that an
                error shows.

        Raises:
            RankError: one is not. The message names the ranks that differ from rank 0.
        """
        if self.size == 1:
            return
        own = {name: digest(component) for name, component in components.items()}
        digests = self.gather([own])
        for name in components:
            others = [i for i, each in enumerate(digests) if each[name] != digests[0][name]]
            if others:
                refuse(
                    RankError,
                    name,
                    found=f"that rank {_listed(others)} computed another than rank 0",
                    expected="the same",
                    remedy="continue from the last checkpoint with --resume, and use machines of "
                    "one kind with the same versions",
                )

    def own_random(self) -> AbstractContextManager[None]:
        """Within it, the global generators are this rank's own, as for dropout.

        Outside they are common, since batches may be drawn from them: all ranks have the same
        states before and after.
        """
        return nullcontext() if self.size == 1 else self._own_generators()

    @contextmanager
    def _own_generators(self) -> Iterator[None]:
        if self._own_random is None:
            self._own_random = self._first_own()
        common = random_state(device=self.device)
        set_random_state(self._own_random, device=self.device)
        try:
            yield
        finally:
            self._own_random = random_state(device=self.device)
            set_random_state(common, device=self.device)

    def _first_own(self) -> dict[str, Any]:
        """The state of generators that are seeded by a common number plus the rank."""
        common = random_state(device=self.device)
        seed_all(int(torch.randint(2**31, (), device="cpu")) + self.index, device=self.device)
        own = random_state(device=self.device)
        set_random_state(common, device=self.device)
        return own

    def state_dict(self) -> dict[str, Any]:
        """The states of the ranks' own random generators."""
        return {"random": self.gather([self._own_random]) if self.size > 1 else []}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the `state_dict` of the same number of ranks."""
        if self.size > 1:
            self._own_random = state["random"][self.index]


def _listed(ranks: Sequence[int]) -> str:
    return ", ".join(map(str, ranks))
