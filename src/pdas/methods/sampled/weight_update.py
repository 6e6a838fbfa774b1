"""The update (2) of the weights of a supernet by the losses of several architectures.

An architecture whose loss is not finite is dropped. That is known once the losses are read, for
which the host waits. A GPU does better if it is asked for the backward pass before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import torch
from torch import Tensor

from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.methods.sampled.dropped import has_finite_loss, none_is_finite
from pdas.space import Architecture
from pdas.support.errors import SettingError
from pdas.support.random_state import random_state, set_random_state
from pdas.support.refusals import refuse
from pdas.training.measures import Measures, RunningMean, all_numbers, detached, loss_of
from pdas.training.weights.training import WeightTraining

T = TypeVar("T")


class WeightUpdate:
    """Updates the weights by the mean loss of those architectures whose loss is finite.

    With several ranks, each runs its share of the architectures, and all make the same update.

    Args:
        fabric: devices and precision.
        ranks: those of `fabric`.
        weights: that are updated.
        measure: the measures of architectures on a batch, each with a gradient.

    Example:
        update = WeightUpdate(fabric, Ranks(fabric), weights, measure)
        measured = update(architectures, [batch], step=1)
    """

    def __init__(
        self,
        fabric: Fabric,
        ranks: Ranks,
        weights: WeightTraining,
        measure: Callable[[Sequence[Architecture], Any], list[Measures]],
    ) -> None:
        self._fabric = fabric
        self._ranks = ranks
        self._weights = weights
        self._measure = measure
        # On a CPU nobody waits. The message of a rank needs its losses before the norm anyway.
        self._synchronises_once = fabric.device.type != "cpu" and ranks.size == 1

    def __call__(
        self, architectures: Sequence[Architecture], batches: Sequence[Any], step: int
    ) -> list[dict[str, float]]:
        """Update the weights.

        Args:
            architectures: of all ranks.
            batches: equal parts of a batch, on the device.
            step: its number, for messages.

        Returns:
            The mean measures of each architecture, whether it is finite or not.

        Raises:
            NonFiniteLossError: no architecture has a finite loss.
            SettingError: no loss has a gradient.
        """
        found = self._read_last(architectures, batches) if self._synchronises_once else None
        return self._read_first(architectures, batches, step) if found is None else found

    def _read_first(
        self, architectures: Sequence[Architecture], batches: Sequence[Any], step: int
    ) -> list[dict[str, float]]:
        """Read the losses, then update the weights by those that are finite; return the measures.

        An architecture without a finite loss is dropped. Each rank sees that of its own. How many
        are left on all, and which weights they use, is in one message after the backward pass.
        """
        own = self._ranks.share(architectures)
        measured, trains = self._add_up_gradients(own, batches, len(architectures) - len(own))
        summary = _Summary(trains, sum(map(has_finite_loss, measured)), self._weights.used)
        found, summaries = self._ranks.gather_with(measured, summary)
        count = sum(each.finite for each in summaries)
        if not count:
            raise none_is_finite("training loss", architectures, step)
        if not any(each.trains for each in summaries):
            refuse(
                SettingError,
                "loss",
                found=f"that no architecture of step {step} has one with a gradient",
                expected="one that depends on the weights",
                remedy="leave out detach(), and make every architecture use weights",
            )
        assumed = len(architectures) - len(own) + summary.finite
        if assumed != count:  # another rank has dropped some
            self._weights.scale(assumed / count)
        self._weights.apply([each.used for each in summaries])
        return found

    def _read_last(
        self, architectures: Sequence[Architecture], batches: Sequence[Any]
    ) -> list[dict[str, float]] | None:
        """Read losses and gradient together, so that the host waits once, then update the weights.

        Returns:
            The measures; None if a loss is not finite or has no gradient. Then nothing is updated,
            and the random generators are as before.
        """
        before = random_state(device=self._fabric.device)
        self._weights.clear()
        parts = []
        for batch in batches:
            own = self._measure(architectures, batch)
            losses = list(map(loss_of, own))
            if not any(loss.requires_grad for loss in losses):
                break
            total = _sum(losses, self._fabric.device)
            self._fabric.backward(total / (len(losses) * len(batches)))
            parts.append(list(map(detached, own)))
        else:
            gradient = self._weights.gradient()
            *measured, norm = all_numbers([*chain.from_iterable(parts), gradient.norm])
            count = len(architectures)
            starts = range(0, len(measured), count)
            means = means_of_parts([measured[start : start + count] for start in starts])
            if all(map(has_finite_loss, means)):
                gradient.step(norm)
                return means
            gradient.forget()
        set_random_state(before, device=self._fabric.device)
        return None

    def _add_up_gradients(
        self, own: Sequence[Architecture], batches: Sequence[Any], others: int
    ) -> tuple[list[dict[str, float]], bool]:
        """Add up the gradient of (2) of this rank's architectures, over the parts of a batch.

        If only a later part shows that an architecture has no finite loss, which is rare, the
        gradient is computed again without it.

        Args:
            own: the architectures.
            batches: the parts.
            others: how many losses other ranks have.

        Returns:
            The measures of each, and whether some loss has a gradient.
        """
        self._weights.clear()
        parts: list[Sequence[dict[str, float]]] = []
        kept = [True] * len(own)
        trains = False
        for index, batch in enumerate(batches):
            measured = self._measure(own, batch)
            parts.append(all_numbers(measured))
            means = means_of_parts(parts)
            finite = [has_finite_loss(mean) for mean in means]
            if index and finite != kept:
                fewer, trains = self._add_up_gradients(_those(own, finite), batches, others)
                anew = iter(fewer)
                chosen = zip(means, finite, strict=True)
                return [next(anew) if fits else mean for mean, fits in chosen], trains
            kept = finite
            losses = [loss_of(measures) for measures in _those(measured, kept)]
            trains = trains or any(loss.requires_grad for loss in losses)
            count = max(1, sum(kept) + others) * len(batches)
            self._fabric.backward(_sum(losses, self._fabric.device) / count)
        return means, trains


@dataclass(frozen=True)
class _Summary:
    """What the other ranks need to know of the losses of one on the weight batch."""

    trains: bool  # whether one has a gradient
    finite: int  # how many are finite
    used: bytes  # the weights that have a gradient


def _sum(losses: Sequence[Tensor], device: torch.device) -> Tensor:
    """The sum of losses; without any, a zero that has a backward pass and reaches no weight."""
    if any(loss.requires_grad for loss in losses):
        return torch.stack(list(losses)).sum()
    return torch.zeros((), device=device, requires_grad=True)


def _those(items: Sequence[T], chosen: Sequence[bool]) -> list[T]:
    return [item for item, is_chosen in zip(items, chosen, strict=True) if is_chosen]


def means_of_parts(parts: Sequence[Sequence[dict[str, float]]]) -> list[dict[str, float]]:
    """The mean measures of each architecture over the parts of a batch."""
    if len(parts) == 1:
        return list(parts[0])
    means = [RunningMean() for _ in parts[0]]
    for measured in parts:
        add_to(means, measured)
    return [mean.values() for mean in means]


def add_to(means: Sequence[RunningMean], measured: Sequence[dict[str, float]]) -> None:
    """Add what was measured of each architecture to its mean."""
    for mean, measures in zip(means, measured, strict=True):
        mean.add(measures)
