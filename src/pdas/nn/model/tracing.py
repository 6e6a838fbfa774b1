"""Which channels of a layer arrive at which channels of the others, found by running the model.

Each layer is replaced by one that gives a fixed tensor, so that nothing passes through it. If one
channel of such a tensor is then changed, what changes elsewhere is where that channel arrives, be
it through sums, concatenations, reshapes, products or attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pdas.nn.model.leaves import Leaf, leaves_of, tensors_in
from pdas.nn.modes import evaluating, without_fast_path
from pdas.support.containers import cloned

OUTPUT = ""  # the name of the model's own output among the places where channels arrive


@dataclass
class Trace:
    """What was seen.

    Attributes:
        leaves: the layers by name, in the order in which they run.
        arrivals: by layer and by layer where its channels arrive (or `OUTPUT`): for each channel
            that was changed the channels there, ascending.

    Example:
        trace(model, (x,), {}).arrivals["conv1"]["bn1"]  # {0: [0], 32: [32], 63: [63]}
    """

    leaves: dict[str, Leaf]
    arrivals: dict[str, dict[str, dict[int, list[int]]]] = field(default_factory=dict)


def trace(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> Trace:
    """Find where the channels of each layer arrive.

    Args:
        model: any; it is as before afterwards.
        inputs, named: what it is called with.
    """
    leaves = leaves_of(model)
    with _Fixed(model, leaves) as fixed:
        call = partial(fixed.run, inputs, named)
        before = call()
        running = {name: leaves[name] for name in before if name in leaves}
        found = Trace(running)
        for name, leaf in running.items():
            if leaf.kind != "opaque":
                found.arrivals[name] = _arrivals(fixed, call, before, leaf)
    return found


Seen = dict[str, list[Tensor]]
"""By layer, what arrived in it; of the whole, what came out."""


def _arrivals(
    fixed: _Fixed, call: Callable[[], Seen], before: Seen, leaf: Leaf
) -> dict[str, dict[int, list[int]]]:
    """Where some channels of a layer arrive: by place, by channel."""
    last = leaf.outputs - 1
    channels = sorted({0, min(1, last), leaf.outputs // 3, last})
    together = _changes(fixed, call, before, leaf, channels)
    arrivals: dict[str, dict[int, list[int]]] = {}
    if all(_in_order(channels, found) for found in together.values()):
        return {place: _each(channels, found) for place, found in together.items()}
    for channel in channels:  # which of them it was takes a run for each
        for place, found in _changes(fixed, call, before, leaf, [channel]).items():
            arrivals.setdefault(place, {})[channel] = found
    return arrivals


def _in_order(channels: Sequence[int], found: Sequence[int]) -> bool:
    """Whether each channel arrives as one, in the same order and at the same distances."""
    return list(found) == [found[0] + channel for channel in channels]


def _each(channels: Sequence[int], found: Sequence[int]) -> dict[int, list[int]]:
    """Which channel each has become."""
    return {channel: [place] for channel, place in zip(channels, found, strict=True)}


def _changes(
    fixed: _Fixed, call: Callable[[], Seen], before: Seen, leaf: Leaf, channels: Sequence[int]
) -> dict[str, list[int]]:
    """By place the channels that are others, where some of a layer are."""
    with fixed.changed(leaf.name, channels):
        after = call()
    found: dict[str, list[int]] = {}
    for place, tensors in after.items():
        dim = fixed.leaves[place].dim if place else -1
        pairs = zip(before[place], tensors, strict=True)
        different = sorted({channel for a, b in pairs for channel in _differ(a, b, dim)})
        if different:
            found[place] = different
    return found


def _differ(before: Tensor, after: Tensor, dim: int) -> list[int]:
    """The channels in which two tensors differ."""
    if before.shape != after.shape or not before.is_floating_point() or before.dim() == 0:
        return []
    rows = (before != after).movedim(dim, 0).flatten(1) if before.dim() > 1 else before != after
    changed = rows.any(1) if rows.dim() > 1 else rows
    return [int(c) for c in changed.nonzero().flatten()]


class _Fixed:
    """A model whose layers give fixed tensors, within a `with` block."""

    def __init__(self, model: nn.Module, leaves: dict[str, Leaf]) -> None:
        self.leaves = leaves
        self._model = model
        self._stack = ExitStack()
        self._generator = torch.Generator().manual_seed(0)
        # By layer what it gives, one for each of its calls.
        self._outputs: dict[str, list[Any]] = {}
        self._calls: dict[str, int] = {}
        self._seen: Seen = {}
        self._changed: tuple[str, Sequence[int]] | None = None

    def __enter__(self) -> _Fixed:
        self._stack.enter_context(evaluating(self._model))
        self._stack.enter_context(without_fast_path())
        for leaf in self.leaves.values():
            forward = partial(self._forward, leaf, leaf.module.forward)
            leaf.module.forward = forward
            self._stack.callback(leaf.module.__dict__.pop, "forward", None)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def changed(self, name: str, channels: Sequence[int]) -> Iterator[None]:
        """Some channels of a layer are others within the block."""
        self._changed = name, channels
        try:
            yield
        finally:
            self._changed = None

    def run(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> Seen:
        """What arrives at each layer, and at the output, in a call."""
        self._calls, self._seen = {}, {}
        output = self._model(*cloned(inputs), **cloned(named))
        return self._seen | {OUTPUT: [x.detach().clone() for x in tensors_in(output)]}

    def _forward(self, leaf: Leaf, forward: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """In place of the layer's: remember what arrived, and give what is fixed."""
        arrived = [x.detach().clone() for x in tensors_in((args, named))]
        self._seen.setdefault(leaf.name, []).extend(arrived)
        if leaf.kind == "opaque":
            return forward(*args, **named)
        number = self._calls.get(leaf.name, 0)
        self._calls[leaf.name] = number + 1
        known = self._outputs.setdefault(leaf.name, [])
        if number == len(known):
            known.append(self._constant(forward(*args, **named)))
        return self._with_change(leaf, known[number])

    def _constant(self, output: Any) -> Any:
        """Random numbers above 0 of the shape of an output, so that activations let them pass."""
        if isinstance(output, tuple):
            return tuple(self._constant(part) for part in output)
        if not isinstance(output, Tensor):
            return output
        numbers = torch.rand(output.shape, generator=self._generator, device="cpu") + 0.5
        return numbers.to(output)

    def _with_change(self, leaf: Leaf, output: Any) -> Any:
        """The fixed output, as a copy that the model may change in place."""
        if isinstance(output, tuple):
            return (self._with_change(leaf, output[0]), *output[1:])
        copied: Tensor = output.clone()
        if self._changed is not None and self._changed[0] == leaf.name:
            for channel in self._changed[1]:
                copied.select(leaf.dim, channel).mul_(1.5).add_(0.25)
        return copied
