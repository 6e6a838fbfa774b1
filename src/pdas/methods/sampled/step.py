"""One step of Algorithm 1: the weights by (2), then theta by (4), with the same architectures.

In each update all architectures see the same batch, so their ranks compare architectures and not
batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.distributed.ranks import Ranks
from pdas.methods.base import Active, used_by
from pdas.methods.optimizer import Optimizer, asked, count_in
from pdas.methods.sampled.dropped import Dropped, means_of_finite, none_is_finite
from pdas.methods.sampled.ties import Ties
from pdas.methods.sampled.weight_update import WeightUpdate, add_to, means_of_parts
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError
from pdas.training.candidates import Model, bind
from pdas.training.evaluation_mode import EvaluationMode
from pdas.training.measures import Loss, Measures, RunningMean, all_numbers, as_measures
from pdas.training.weights.training import WeightTraining

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
        self._update = (
            None if weights is None else WeightUpdate(fabric, self._ranks, weights, self._measure)
        )
        self._samples = samples
        self._accumulate = accumulate
        self._resample = resample
        self._theta_samples = theta_samples
        self._evaluation_mode = EvaluationMode(net) if theta_mode == "eval" else nullcontext
        self._active = active
        self._ties = ties or Ties()
        self._steps = 0
        self._dropped = Dropped()

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
        weights = self._update_weights(architectures, weight_batch)
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
                        add_to(means[part], all_numbers(self._measure(own[part], batch)))
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
        """The update (2), if there is one; the mean measures are returned."""
        if self._update is None:
            return {}
        batches = parts_of(batch, self._accumulate, "search.accumulate")
        found = self._update(architectures, batches, self._steps)
        self._dropped.log("training loss", architectures, found, self._steps)
        return means_of_finite(found)

    @torch.no_grad()
    def _update_theta(self, architectures: Sequence[Architecture], batch: Any) -> dict[str, float]:
        parts = []
        for part in parts_of(batch, self._accumulate, "search.accumulate"):
            with self._evaluation_mode():
                parts.append(all_numbers(self._measure(self._ranks.share(architectures), part)))
        measured = self._ranks.gather(means_of_parts(parts))
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
        models = bind(self._net, architectures)
        with self._ranks.own_random():
            return [as_measures(self._loss(model, batch)) for model in models]
