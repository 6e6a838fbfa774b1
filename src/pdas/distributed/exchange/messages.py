"""Messages of plain objects between ranks, through the CPU.

There a rank that is lost is an error at once. `Ddp` makes the two groups of processes for them.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from pdas.distributed.fabric import Fabric
from pdas.support.errors import RankError, reason

T = TypeVar("T")
HEAD = 8  # bytes with the length of a message
SHORT = 4096  # bytes of a message that is exchanged at once


@contextmanager
def exchanging() -> Iterator[None]:
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


def group_of(fabric: Fabric, patiently: bool = False) -> Any:
    """The group of processes for messages; see `Ddp`.

    Args:
        fabric: with several processes.
        patiently: that for ranks which take much longer than others.
    """
    strategy: Any = fabric.strategy
    return strategy.patient_messages if patiently else strategy.messages


def everyones(own: T, size: int, group: Any) -> list[T]:
    """The message of each rank; in one exchange, unless one is long.

    Args:
        own: the message of this rank; it is pickled.
        size: the number of ranks.
        group: of the processes.

    Raises:
        RankError: a rank ended or does not answer.
    """
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
        pickle.loads((first[HEAD:] + rest)[:length])
        for first, rest, length in zip(firsts, rests, lengths, strict=True)
    ]


def _gathered(own: Tensor, size: int, group: Any) -> list[bytes]:
    parts = [torch.empty_like(own) for _ in range(size)]
    with exchanging():
        dist.all_gather(parts, own, group=group)
    return [part.numpy().tobytes() for part in parts]


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
    with exchanging():
        dist.broadcast_object_list(values, 0, group=group_of(fabric))
    return values[0]


def wait_for_all(fabric: Fabric, *, patiently: bool = False) -> None:
    """Wait until every rank is here.

    Args:
        fabric: the devices.
        patiently: whether to wait for ranks that take much longer than others.

    Raises:
        RankError: a rank ended or does not answer.
    """
    if fabric.world_size > 1:
        with exchanging():
            dist.barrier(group=group_of(fabric, patiently))


@contextmanager
def rank_zero_first(fabric: Fabric) -> Iterator[None]:
    """Run the block on rank 0 first, then on the others; afterwards all wait for each other.

    Args:
        fabric: the devices.

    Raises:
        RankError: a rank ended, or has failed in the block and ends.

    Example:
        with rank_zero_first(fabric):
            images = load_images(settings)  # rank 0 writes a cache that the others read
    """
    if not fabric.is_global_zero:
        wait_for_all(fabric, patiently=True)
    yield
    if fabric.is_global_zero:
        wait_for_all(fabric, patiently=True)
    wait_for_all(fabric, patiently=True)
