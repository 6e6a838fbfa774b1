"""The ranks of a training, one process a device: what each does alone, and what they exchange.

A search gives every rank its share of the architectures of a step, a retraining its part of each
batch. All else is the same on every rank: batches, optimizer, weights. Gradients are added by hand
and not by the wrapper of torch's DDP, which expects one forward pass for each backward pass: losses
may run a network several times, and a rank may have nothing to run backward.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.support.errors import RankError, reason
from pdas.support.random_state import random_state, set_random_state

T = TypeVar("T")
PATIENCE = timedelta(days=1)  # for a rank whose part takes longer than that of another
_NONE: Any = object()  # where a rank has fewer items than another


class Ranks:
    """The processes of a `Fabric`; of a single one nothing here does anything.

    All of its methods but `share` and `part` wait for every rank, so every rank has to call them.

    Attributes:
        size: how many there are.
        index: which one this process is.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.size = fabric.world_size
        self.index = fabric.global_rank
        self._fabric = fabric
        self._own_random: dict[str, Any] | None = None
        self._patient: Any = None  # a process group, once it is needed
        if self.size > 1:
            set_random_state(self.gather([random_state()])[0])

    def share(self, items: Sequence[T]) -> list[T]:
        """This rank's of items that all have: the first for rank 0, the second for rank 1 ..."""
        return list(items[self.index :: self.size])

    def gather(self, own: Sequence[T], *, patiently: bool = False) -> list[T]:
        """The items of which each rank has its `share`, on every rank.

        patiently: some may take much longer for theirs than others, which wait for them.
        """
        if self.size == 1:
            return list(own)
        shares: list[Any] = [None] * self.size
        with _waiting():
            group = self._patient_group() if patiently else None
            dist.all_gather_object(shares, list(own), group=group)
        turns = zip_longest(*shares, fillvalue=_NONE)
        return [item for turn in turns for item in turn if item is not _NONE]

    def any(self, *flags: bool) -> list[bool]:
        """Whether each flag is set on some rank."""
        if self.size == 1:
            return list(flags)
        found = torch.tensor(flags, dtype=torch.int32, device=self._fabric.device)
        _reduce(found, dist.ReduceOp.MAX)
        return [bool(flag) for flag in found.tolist()]

    def add_gradients(self, parameters: Iterator[nn.Parameter]) -> None:
        """Add up the gradients of all ranks; what none of them used stays without one."""
        if self.size == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        used = self.any(*(p.grad is not None for p in trained))
        gradients = []
        for parameter in (p for p, is_used in zip(trained, used, strict=True) if is_used):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        _add(gradients)

    @torch.no_grad()
    def average_buffers(self, net: nn.Module) -> None:
        """Give all ranks the mean of their running statistics."""
        if self.size > 1:
            buffers = [buffer for buffer in net.buffers() if buffer.is_floating_point()]
            _add(buffers)
            for buffer in buffers:
                buffer.div_(self.size)

    @contextmanager
    def first_alone(self) -> Iterator[bool]:
        """Let rank 0 act first, however long that takes; tells whether this is it."""
        with first_alone(self._fabric):
            yield self.index == 0

    def part(self, batch: Any) -> Any:
        """This rank's part of a batch; see `parts_of`."""
        return parts_of(batch, self.size, "device.devices")[self.index]

    def check_match(self, components: Mapping[str, Any]) -> None:
        """Raise `RankError` if the state of a component is not the same on every rank."""
        if self.size == 1:
            return
        own = {name: _digest(component) for name, component in components.items()}
        digests = self.gather([own])
        for name in components:
            others = [i for i, each in enumerate(digests) if each[name] != digests[0][name]]
            if others:
                raise RankError(
                    f"{name}: found that rank {_listed(others)} computed another than rank 0, "
                    "expected the same; go on from the last checkpoint with --resume, and use "
                    "machines of one kind with the same versions"
                )

    @contextmanager
    def own_random(self) -> Iterator[None]:
        """Draw from global generators of this rank's own meanwhile, say for dropout.

        The common ones, of which batches may be drawn, are the same on all ranks before and after.
        """
        if self.size == 1:
            yield
            return
        if self._own_random is None:
            self._own_random = self._first_own()
        common = random_state()
        set_random_state(self._own_random)
        try:
            yield
        finally:
            self._own_random = random_state()
            set_random_state(common)

    def _patient_group(self) -> Any:
        """All ranks, on the CPU; one that ends is found at once, one that hangs only after this."""
        if self._patient is None:
            self._patient = dist.new_group(timeout=PATIENCE, backend="gloo")
        return self._patient

    def _first_own(self) -> dict[str, Any]:
        common = random_state()
        seed = int(torch.randint(2**31, ())) + self.index
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        own = random_state()
        set_random_state(common)
        return own

    def state_dict(self) -> dict[str, Any]:
        """The own random generators of all ranks."""
        return {"random": self.gather([self._own_random]) if self.size > 1 else []}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict` of as many ranks."""
        if self.size > 1:
            self._own_random = state["random"][self.index]


@contextmanager
def first_alone(fabric: Fabric) -> Iterator[None]:
    """Let rank 0 go first, however long it takes; the others follow."""
    failure: BaseException | None = None
    with _waiting(), fabric.rank_zero_first():
        try:
            yield
        except BaseException as error:  # which is none of the waiting
            failure = error
    if failure is not None:
        raise failure


def agreed(fabric: Fabric, value: T) -> T:
    """The value that rank 0 has, on every rank, which wait for it."""
    if fabric.world_size == 1:
        return value
    with _waiting():
        return fabric.broadcast(value)


def wait_for_all(fabric: Fabric) -> None:
    """Until every rank has come here."""
    with _waiting():
        fabric.barrier()


def _add(tensors: Sequence[Tensor]) -> None:
    """Add up tensors over all ranks in place, in one message for each type of number."""
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        alike = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = torch.cat([tensor.reshape(-1) for tensor in alike])
        _reduce(flat, dist.ReduceOp.SUM)
        sums = torch.split(flat, [tensor.numel() for tensor in alike])
        for tensor, total in zip(alike, sums, strict=True):
            tensor.copy_(total.view(tensor.shape))


def _reduce(tensor: Tensor, operation: Any) -> None:
    with _waiting():
        dist.all_reduce(tensor, operation)


@contextmanager
def _waiting() -> Iterator[None]:
    """Make what goes wrong in an exchange between ranks one line."""
    try:
        yield
    except RuntimeError as error:
        if not dist.is_initialized():
            raise
        raise RankError(
            f"rank {dist.get_rank()}: lost another rank, which ended or did not answer "
            f"({reason(error)}); go on from the last checkpoint with --resume"
        ) from error


def _digest(component: Any) -> str:
    """Of the parameters of a module, or else of a state that is plain data."""
    if not isinstance(component, nn.Module):
        return hashlib.sha256(json.dumps(component.state_dict()).encode()).hexdigest()
    sha256 = hashlib.sha256()
    for parameter in component.parameters():
        plain = parameter.detach().cpu().contiguous().reshape(-1)
        sha256.update(plain.view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def _listed(ranks: Sequence[int]) -> str:
    return ", ".join(map(str, ranks))
