"""One step of Algorithm 1: the weights by (2), then theta by (4), with the same architectures.

In each update all architectures see the same batch, so their ranks compare architectures and not
batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from pdas.distributed.devices import loss_scaler
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.distributed.ranks import Ranks
from pdas.methods.base import Active, used_by
from pdas.methods.optimizer import Optimizer, asked, count_in
from pdas.methods.sampled.dropped import Dropped, has_finite_loss, means_of_finite, none_is_finite
from pdas.methods.sampled.ties import Ties
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError, SettingError
from pdas.support.random_state import random_state, set_random_state
from pdas.support.refusals import refuse
from pdas.training.candidates import Model, bind
from pdas.training.evaluation_mode import EvaluationMode
from pdas.training.measures import (
    Loss,
    Measures,
    RunningMean,
    all_numbers,
    as_measures,
    detached,
    loss_of,
)
from pdas.training.weights.training import WeightTraining

T = TypeVar("T")

TOGETHER = 8  # architectures that are judged at once; their activations share the memory


@dataclass(frozen=True)
class StepRecord:
    """The measures of a step, each a mean over its architectures.

    Attributes:
        weights: on the weight batch.
        theta: on the theta batch; empty without one.

    Example:
        step(weight_batch, theta_batch).weights["loss"]
    """

    weights: dict[str, float]
    theta: dict[str, float]


class SearchStep:
    """Updates the weights of a supernet and the distribution of an optimizer.

    Theta learns from the architectures that were trained, and from further ones if `theta_samples`
    is larger. Without a batch for it, as in a warm-up, it does not change. With several ranks, each
    runs its share of the architectures, and all make the same updates.

    Args:
        fabric: devices and precision.
        net: the supernet as `Candidates`, set up by Fabric.
        loss: see `Loss`. Its model runs one architecture.
        optimizer: draws lambda architectures in a step, and learns from their losses.
        weights: updates the weights; None leaves them unchanged.
        samples: architectures that are trained in a step; by default the optimizer's own number.
        accumulate: equal parts of a batch that run one after the other, for less memory. The loss
            of a batch is then the mean over its parts, and batch norm normalises each part by
            itself.
        resample: draw new architectures for the update of theta (not Algorithm 1).
        theta_samples: architectures from which theta learns; by default those that are trained.
        theta_mode: "eval" judges them without dropout, see `EvaluationMode`.
        active: the variables that an architecture uses, bool `(D,)`; only these learn from it. By
            default all.
        ties: counts the losses that tie.
        ranks: those of `fabric`.

    Example:
        step = SearchStep(fabric, weights.network, loss, optimizer, weights, samples=2)
        for weight_batch, theta_batch in batches:
            step(weight_batch, theta_batch)
    """

    def __init__(
        self,
        fabric: Fabric,
        net: nn.Module,
        loss: Loss,
        optimizer: Optimizer,
        weights: WeightTraining | None,
        *,
        samples: int | None = None,
        accumulate: int = 1,
        resample: bool = False,
        theta_samples: int | None = None,
        theta_mode: Literal["train", "eval"] = "train",
        active: Active | None = None,
        ties: Ties | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self._fabric = fabric
        self._ranks = ranks or Ranks(fabric)
        self._net = net
        self._loss = loss
        self._optimizer = optimizer
        self._weights = weights
        self._samples = samples
        self._accumulate = accumulate
        self._resample = resample
        self._theta_samples = theta_samples
        self._evaluation_mode = EvaluationMode(net) if theta_mode == "eval" else nullcontext
        self._active = active
        self._ties = ties or Ties()
        self._steps = 0
        self._dropped = Dropped()
        # On a CPU nobody waits; a loss scaler begins no step anew; ranks exchange losses anyway.
        is_alone = self._ranks.size == 1 and loss_scaler(fabric) is None
        self._looks_once = fabric.device.type != "cpu" and is_alone

    def __call__(self, weight_batch: Any, theta_batch: Any | None) -> StepRecord:
        """Run the step.

        Args:
            weight_batch: for the weights, on the device.
            theta_batch: for theta, on the device; None leaves theta unchanged.

        Raises:
            NonFiniteLossError: no architecture has a finite loss.
            SettingError: no loss has a gradient, or the batch cannot be cut in equal parts.
        """
        self._steps += 1
        architectures = asked(self._optimizer, self._samples)
        weights = {} if self._weights is None else self._update_weights(architectures, weight_batch)
        if theta_batch is None:
            return StepRecord(weights, {})
        theta = self._update_theta(self._judged(architectures), theta_batch)
        return StepRecord(weights, theta)

    def _judged(self, trained: list[Architecture]) -> list[Architecture]:
        """The architectures from which theta learns."""
        count = self._theta_samples or len(trained)
        if self._resample:
            return asked(self._optimizer, count)
        further = count - len(trained)
        return trained + asked(self._optimizer, further) if further else trained

    def model(self, architecture: Architecture) -> Model:
        """A model that runs one architecture with the shared weights."""
        (model,) = bind(self._net, [architecture])
        return model

    def losses(self, architectures: Sequence[Architecture], batches: Iterable[Any]) -> list[float]:
        """The mean loss of each architecture with the shared weights, as theta learns from it.

        Args:
            architectures: to be judged.
            batches: on the device.

        Returns:
            A loss for each. It is not finite if the loss of any batch is not.
        """
        return [measures["loss"] for measures in self.measured(architectures, batches)]

    def measured(
        self, architectures: Sequence[Architecture], batches: Iterable[Any]
    ) -> list[dict[str, float]]:
        """The mean measures of each architecture with the shared weights; see `losses`."""
        own = self._ranks.share(architectures)

        def compute() -> list[dict[str, float]]:
            means = [RunningMean() for _ in own]
            for batch in batches:
                for first in range(0, len(own), TOGETHER):
                    part = slice(first, first + TOGETHER)
                    with torch.no_grad(), self._evaluation_mode():
                        _add(means[part], all_numbers(self._measure_own(own[part], batch)))
            return [mean.values() for mean in means]

        return self._ranks.gather_of(compute)

    def state_dict(self) -> dict[str, Any]:
        """The counts that messages show, and those of ties."""
        return {
            "steps": self._steps,
            "dropped": self._dropped.count,
            "ties": self._ties.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self._steps, self._dropped.count = count_in(state, "steps"), count_in(state, "dropped")
        self._ties.load_state_dict(state["ties"])

    def _update_weights(
        self, architectures: Sequence[Architecture], batch: Any
    ) -> dict[str, float]:
        """The update (2); the mean measures are returned."""
        batches = parts_of(batch, self._accumulate, "search.accumulate")
        found = self._update_at_once(architectures, batches) if self._looks_once else None
        if found is None:
            found = self._update(architectures, batches)
        self._dropped.log("training loss", architectures, found, self._steps)
        return means_of_finite(found)

    def _update(
        self, architectures: Sequence[Architecture], batches: Sequence[Any]
    ) -> list[dict[str, float]]:
        """Update the weights by what is finite; the measures are returned.

        An architecture without a finite loss is dropped. Each rank sees that of its own. How many
        are left on all, and which weights they use, is in one message after the backward pass.
        """
        weights = self._weights
        assert weights is not None
        own = self._ranks.share(architectures)
        measured, trains = self._add_up_gradients(own, batches, len(architectures) - len(own))
        word = _Word(trains, sum(map(has_finite_loss, measured)), weights.used)
        found, words = self._ranks.gather_with(measured, word)
        count = sum(each.finite for each in words)
        if not count:
            raise none_is_finite("training loss", architectures, self._steps)
        if not any(each.trains for each in words):
            refuse(
                SettingError,
                "loss",
                found=f"that no architecture of step {self._steps} has one with a gradient",
                expected="one that depends on the weights",
                remedy="leave out detach(), and make every architecture use weights",
            )
        assumed = len(architectures) - len(own) + word.finite
        if assumed != count:  # another rank has dropped some
            weights.scale(assumed / count)
        weights.apply([each.used for each in words])
        return found

    def _update_at_once(
        self, architectures: Sequence[Architecture], batches: Sequence[Any]
    ) -> list[dict[str, float]] | None:
        """Update the weights with one look at losses and gradient, so that the host waits once.

        Returns:
            The measures; None if a loss is not finite or has no gradient. Then nothing is updated,
            and the random generators are as before.
        """
        assert self._weights is not None
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
            means = _means([measured[i : i + count] for i in range(0, len(measured), count)])
            if all(map(has_finite_loss, means)):
                gradient.step(norm)
                return means
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
        assert self._weights is not None
        self._weights.clear()
        parts: list[Sequence[dict[str, float]]] = []
        kept = [True] * len(own)
        trains = False
        for index, batch in enumerate(batches):
            measured = self._measure_own(own, batch)
            parts.append(all_numbers(measured))
            means = _means(parts)
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

    @torch.no_grad()
    def _update_theta(self, architectures: Sequence[Architecture], batch: Any) -> dict[str, float]:
        parts = []
        for part in parts_of(batch, self._accumulate, "search.accumulate"):
            with self._evaluation_mode():
                parts.append(all_numbers(self._measure(architectures, part)))
        measured = self._ranks.gather(_means(parts))
        losses = [measures["loss"] for measures in measured]
        used = used_by(self._active, architectures)
        try:
            self._optimizer.tell(architectures, losses, used)  # (4), (13)
        except NonFiniteLossError:
            raise none_is_finite("theta loss", architectures, self._steps) from None
        self._ties.add(architectures, losses)
        self._dropped.log("theta loss", architectures, measured, self._steps)
        return means_of_finite(measured)

    def _measure(self, architectures: Sequence[Architecture], batch: Any) -> list[Measures]:
        """Measures of this rank's share of the architectures."""
        return self._measure_own(self._ranks.share(architectures), batch)

    def _measure_own(self, architectures: Sequence[Architecture], batch: Any) -> list[Measures]:
        models = bind(self._net, architectures)
        with self._ranks.own_random():
            return [as_measures(self._loss(model, batch)) for model in models]


@dataclass(frozen=True)
class _Word:
    """What the other ranks hear of the losses on the weight batch."""

    trains: bool  # whether one has a gradient
    finite: int  # how many are
    used: bytes  # the weights that have a gradient


def _sum(losses: Sequence[Tensor], device: torch.device) -> Tensor:
    """The sum of losses; without any, a zero that has a backward pass and reaches no weight."""
    if any(loss.requires_grad for loss in losses):
        return torch.stack(list(losses)).sum()
    return torch.zeros((), device=device, requires_grad=True)


def _those(items: Sequence[T], chosen: Sequence[bool]) -> list[T]:
    return [item for item, is_chosen in zip(items, chosen, strict=True) if is_chosen]


def _means(parts: Sequence[Sequence[dict[str, float]]]) -> list[dict[str, float]]:
    """The mean measures of each architecture over the parts of a batch."""
    if len(parts) == 1:
        return list(parts[0])
    means = [RunningMean() for _ in parts[0]]
    for measured in parts:
        _add(means, measured)
    return [mean.values() for mean in means]


def _add(means: Sequence[RunningMean], measured: Sequence[dict[str, float]]) -> None:
    for mean, measures in zip(means, measured, strict=True):
        mean.add(measures)
