"""Which call a recomputation in the backward pass belongs to.

`torch.utils.checkpoint` runs a part of a network again in the backward pass, when the call that it
belongs to is over. Autograd numbers the nodes of its graph in the order in which a thread makes
them: so those with the numbers between the beginning and the end of a call are of that call, and
the node whose gradient is being computed says which architecture is to be used again.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch.utils.checkpoint import CheckpointFunction

from pdas.space import Architecture
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

MOST = 256  # calls are remembered, with their architectures


class _Call(NamedTuple):  # no dataclass, since every call of a network makes one
    """The numbers of the nodes of a call, from `start` to before `stop`, in the thread's count."""

    start: int
    stop: int
    thread: threading.Thread  # its number could be that of one that has ended
    architecture: Architecture


class Calls:
    """The last calls of the networks that have some choice points in common.

    A copy of it is empty, since a copy of a network has no calls yet.

    Example:
        calls = Calls()
        start = next_number()
        y = module(x)  # with an architecture selected
        calls.remember(start, architecture)
    """

    def __init__(self) -> None:
        self._calls: deque[_Call] = deque(maxlen=MOST)
        # Of the last node for which there was a question, the answers by variable.
        self._latest: tuple[tuple[int, int], dict[str, int | None]] = (-1, -1), {}

    def __reduce__(self) -> tuple[type[Calls], tuple[()]]:
        return Calls, ()

    def remember(self, start: int, architecture: Architecture) -> None:
        """Remember a call that ends now, if it has made any node.

        Args:
            start: the `next_number()` when it began.
            architecture: of the call.
        """
        stop = next_number()
        if stop > start:
            self._calls.append(_Call(start, stop, threading.current_thread(), architecture))

    def category(self, variable: str) -> int | None:
        """The category of a variable in the call that is being recomputed.

        Args:
            variable: its name.

        Returns:
            Its index; None outside of the backward pass, and of a call that is not remembered.

        Raises:
            NetworkError: calls in several threads come into question.
        """
        node = torch._C._current_autograd_node()
        if node is None:
            return None
        key = torch._C._current_graph_task_id(), node._sequence_nr()
        latest = self._latest  # read once, since another thread may ask for another node
        if latest[0] != key:
            latest = self._latest = (key, {})
        known = latest[1]
        if variable not in known:  # one node may run many modules again, which ask often
            known[variable] = self._category(variable, _outermost(node)._sequence_nr())
        return known[variable]

    def _category(self, variable: str, number: int) -> int | None:
        """The category of a variable in the call that has the node of a number."""
        calls = [
            call
            for call in list(self._calls)
            if call.start <= number < call.stop and variable in call.architecture.space
        ]
        # In each thread the last one counts, the innermost of calls within calls.
        calls.sort(key=lambda call: (call.start, -call.stop))
        by_thread = {call.thread: call.architecture for call in calls}
        categories = {
            int(architecture.indices[architecture.space.position(variable)])
            for architecture in by_thread.values()
        }
        if len(categories) > 1:
            _refuse_several_threads()
        return categories.pop() if categories else None


def next_number() -> int:
    """The number that autograd gives to the next node in this thread."""
    number: int = torch._C._autograd._get_sequence_nr()
    return number


def in_backward() -> bool:
    """Whether a gradient is being computed in this thread."""
    return torch._C._current_autograd_node() is not None


def _outermost(node: Any) -> Any:
    """The node of the graph of a call, in whose backward pass this one is run.

    A reentrant checkpoint makes a graph of its own in the backward pass, whose nodes are of no
    call. There the node of the outermost such checkpoint counts.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is CheckpointFunction.backward.__code__:
            node = frame.f_locals["ctx"]
        frame = frame.f_back
    return node


def _refuse_several_threads() -> None:
    refuse(
        NetworkError,
        "torch.utils.checkpoint",
        found="calls of the network in several threads that could be the one to be run again",
        expected="the forward passes of one network in one thread",
        remedy="give each thread a copy of the network",
    )
