"""The ranks of a training, one process for each device: their shares, and their exchange.

In a search each rank has its share of the architectures of a step, in a retraining its part of each
batch. All else is the same on every rank: batches, optimizer, weights. Gradients are added up here
and not by the wrapper of torch's DDP, which needs exactly one forward pass before each backward
pass. A loss may run a network several times, and a rank may have no loss to run backward.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from pdas.distributed.digest import digest
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.support.errors import RankError, reason
from pdas.support.random_state import random_state, seed_all, set_random_state
from pdas.support.refusals import refuse

T = TypeVar("T")
W = TypeVar("W")
HEAD = 8  # bytes with the length of a message
SHORT = 4096  # bytes of a message that is exchanged at once
PATIENCE = timedelta(days=1)  # for a rank whose part takes longer than the others
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
        self._messages = _messages(fabric)
        self._patient: Any = None  # a process group, once it is needed
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
        self, own: Sequence[T], word: W, *, patiently: bool = False
    ) -> tuple[list[T], list[W]]:
        """As `gather`, and in the same message a word of each rank.

        Args:
            own: see `gather`.
            word: of this rank; it is pickled.
            patiently: see `gather`.

        Returns:
            The items in their order before `share`, and the words by rank.
        """
        if self.size == 1:
            return list(own), [word]
        with _exchange():
            group = self._patient_group() if patiently else self._messages
            messages = [pickle.loads(each) for each in _sent((list(own), word), self.size, group)]
        shares, words = zip(*messages, strict=True)
        turns = zip_longest(*shares, fillvalue=_NONE)
        return [item for turn in turns for item in turn if item is not _NONE], list(words)

    def gather_of(self, compute: Callable[[], Sequence[T]]) -> list[T]:
        """As `gather`, of items that each rank computes. Where one fails all do, and none waits.

        Args:
            compute: makes this rank's `share` of the items. It exchanges nothing with other ranks.

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
        items, words = self.gather_with(own, None if failure is None else reason(failure))
        if failure is not None:
            raise failure
        for index, word in enumerate(words):
            if word is not None:
                raise RankError(f"rank {index}: failed ({word}), and with it all others")
        return items

    def any(self, *flags: bool) -> list[bool]:
        """Whether each flag is set on at least one rank."""
        if self.size == 1:
            return list(flags)
        found = torch.tensor(flags, dtype=torch.uint8, device="cpu")
        _reduce(found, dist.ReduceOp.MAX, self._messages)
        return [bool(flag) for flag in found.tolist()]

    def stack(self, own: Tensor) -> Tensor:
        """A tensor of each rank, of one shape on all of them.

        Args:
            own: that of this rank.

        Returns:
            `(size, *own.shape)`, the same on every rank.
        """
        if self.size == 1:
            return own[None]
        parts = [torch.empty_like(own) for _ in range(self.size)]
        with _exchange():
            dist.all_gather(parts, own)
        return torch.stack(parts)

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
        trained = [p for p in parameters if p.requires_grad]
        words = self.gather([used_weights(trained)]) if used is None else used
        union = np.bitwise_or.reduce([np.frombuffer(word, np.uint8) for word in words])
        gradients = []
        flags = np.unpackbits(union, count=len(trained))
        for parameter in (p for p, is_used in zip(trained, flags, strict=True) if is_used):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        _add([*gradients, *averaged])
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

    def _patient_group(self) -> Any:
        """A group of all ranks, on the CPU, with a long timeout. It notices a dead rank at once."""
        if self._patient is None:
            self._patient = dist.new_group(timeout=PATIENCE, backend="gloo")
        return self._patient

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


@contextmanager
def rank_zero_first(fabric: Fabric) -> Iterator[None]:
    """Run the block on rank 0 first, then on the others.

    Args:
        fabric: the devices.

    Raises:
        RankError: a rank ended or does not answer.

    Example:
        with rank_zero_first(fabric):
            images = load_images(settings)  # rank 0 writes a cache that the others read
    """
    failure: BaseException | None = None
    with _exchange(), fabric.rank_zero_first():
        try:
            yield
        except BaseException as error:
            failure = error  # raised below, since `_exchange` would take it for its own error
    if failure is not None:
        raise failure


def agreed(fabric: Fabric, value: T) -> T:
    """The value of rank 0, on every rank.

    Args:
        fabric: the devices.
        value: that of this rank; it is pickled.

    Raises:
        RankError: a rank ended or does not answer.
    """
    if fabric.world_size == 1:
        return value
    values = [value]
    with _exchange():
        dist.broadcast_object_list(values, 0, group=_messages(fabric))
    return values[0]


def wait_for_all(fabric: Fabric) -> None:
    """Wait until every rank is here.

    Raises:
        RankError: a rank ended or does not answer.
    """
    if fabric.world_size > 1:
        with _exchange():
            dist.barrier(group=_messages(fabric))


def used_weights(parameters: Iterable[nn.Parameter]) -> bytes:
    """A bit for each parameter that is trained: whether it has a gradient."""
    used = [p.grad is not None for p in parameters if p.requires_grad]
    return np.packbits(np.array(used, bool)).tobytes()


def _messages(fabric: Fabric) -> Any:
    """The group of processes for messages; see `Ddp`."""
    return getattr(fabric.strategy, "messages", None)


def _sent(own: object, size: int, group: Any) -> list[bytes]:
    """The pickled messages of all ranks; in one exchange, unless one is long."""
    message = pickle.dumps(own)
    first = torch.zeros(HEAD + SHORT, dtype=torch.uint8, device="cpu")
    begin = len(message).to_bytes(HEAD, "little") + message[:SHORT]
    first[: len(begin)] = torch.frombuffer(bytearray(begin), dtype=torch.uint8)
    firsts = _gathered(first, size, group)
    lengths = [int.from_bytes(each[:HEAD], "little") for each in firsts]
    rests = [b""] * size
    longest = max(lengths) - SHORT
    if longest > 0:
        rest = torch.zeros(longest, dtype=torch.uint8, device="cpu")
        left = message[SHORT:]
        if left:
            rest[: len(left)] = torch.frombuffer(bytearray(left), dtype=torch.uint8)
        rests = _gathered(rest, size, group)
    return [
        (first[HEAD:] + rest)[:length]
        for first, rest, length in zip(firsts, rests, lengths, strict=True)
    ]


def _gathered(own: Tensor, size: int, group: Any) -> list[bytes]:
    parts = [torch.empty_like(own) for _ in range(size)]
    dist.all_gather(parts, own, group=group)
    return [part.numpy().tobytes() for part in parts]


def _add(tensors: Sequence[Tensor]) -> None:
    """Add up tensors over all ranks in place, in one message for each dtype."""
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        of_dtype = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = torch.cat([tensor.reshape(-1) for tensor in of_dtype])
        _reduce(flat, dist.ReduceOp.SUM)
        sums = torch.split(flat, [tensor.numel() for tensor in of_dtype])
        shaped = [each.view(t.shape) for t, each in zip(of_dtype, sums, strict=True)]
        torch._foreach_copy_(of_dtype, shaped)


def _reduce(tensor: Tensor, operation: Any, group: Any = None) -> None:
    with _exchange():
        dist.all_reduce(tensor, operation, group)


@contextmanager
def _exchange() -> Iterator[None]:
    """Within it, an error of the exchange between ranks is a `RankError`."""
    try:
        yield
    except RuntimeError as error:
        if not dist.is_initialized():
            raise
        raise RankError(
            f"rank {dist.get_rank()}: lost another rank, which ended or did not answer "
            f"({reason(error)}); continue from the last checkpoint with --resume"
        ) from error


def _listed(ranks: Sequence[int]) -> str:
    return ", ".join(map(str, ranks))
