"""One step of Algorithm 1: the weights by (2), then theta by (4), with the same architectures.

Both updates see one batch for all architectures of the step, so that their ranks compare
architectures and not draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from pdas.engine.clip import clip_gradients
from pdas.errors import NonFiniteLossError
from pdas.optim import Optimizer
from pdas.space import Architecture

Model = Callable[..., Any]
Measures = Mapping[str, Tensor]
Loss = Callable[[Model, Any], "Tensor | Measures"]
"""`loss(model, batch)`: a scalar, or a mapping that has it as "loss" beside other measures."""


@dataclass(frozen=True)
class StepRecord:
    """What a step measured: means over its architectures, of the weight and of the theta batch."""

    weights: dict[str, float]
    theta: dict[str, float]


class SearchStep:
    """Updates the weights of a supernet and the distribution of an optimizer.

    Args:
        net: the supernet, as `fabric.setup` returned it.
        loss: see `Loss`; the model that it is handed runs one architecture.
        optimizer: gives architectures and learns from their losses.
        weight_optimizer: updates the weights.
        samples: lambda, architectures a step.
        clip: largest norm of the gradient.
        resample: draw new architectures for the update of theta (not Algorithm 1).
    """

    def __init__(
        self,
        fabric: Fabric,
        net: nn.Module,
        loss: Loss,
        optimizer: Optimizer,
        weight_optimizer: torch.optim.Optimizer,
        *,
        samples: int,
        clip: float,
        resample: bool = False,
    ) -> None:
        self._fabric = fabric
        self._net = net
        self._loss = loss
        self._optimizer = optimizer
        self._weight_optimizer = weight_optimizer
        self._samples = samples
        self._clip = clip
        self._resample = resample

    def __call__(self, weight_batch: Any, theta_batch: Any) -> StepRecord:
        """Run the step; raises `NonFiniteLossError` if no architecture has a finite loss."""
        architectures = self._optimizer.ask(self._samples)
        weights = self._update_weights(architectures, weight_batch)
        if self._resample:
            architectures = self._optimizer.ask(self._samples)
        theta = self._update_theta(architectures, theta_batch)
        return StepRecord(weights, theta)

    def _update_weights(
        self, architectures: Sequence[Architecture], batch: Any
    ) -> dict[str, float]:
        measured = self._measure(architectures, batch)
        finite = [m for m in measured if torch.isfinite(m["loss"])]
        if not finite:
            raise NonFiniteLossError(
                f"training loss: not finite for all {len(architectures)} architectures of a step "
                f"({'; '.join(map(str, architectures))}); lower the learning rate of the weights"
            )
        self._weight_optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(torch.stack([m["loss"] for m in finite]).mean())  # (2)
        clip_gradients(self._fabric, self._net, self._weight_optimizer, self._clip)
        self._weight_optimizer.step()
        return _means(finite)

    @torch.no_grad()
    def _update_theta(self, architectures: Sequence[Architecture], batch: Any) -> dict[str, float]:
        measured = self._measure(architectures, batch)
        self._optimizer.tell(architectures, [float(m["loss"]) for m in measured])  # (4), (13)
        return _means(measured)

    def _measure(self, architectures: Sequence[Architecture], batch: Any) -> list[Measures]:
        models = bind(self._net, architectures)
        return [_as_measures(self._loss(model, batch)) for model in models]


def bind(net: nn.Module, architectures: Sequence[Architecture]) -> list[Model]:
    """A model for each architecture; `forward_many`, where a net has it, runs all at one call."""
    forward_many: Model | None = getattr(net, "forward_many", None)
    if forward_many is not None:
        together = _Together(forward_many, architectures)
        return [partial(together, index) for index in range(len(architectures))]
    return [partial(net, architecture=architecture) for architecture in architectures]


class _Together:
    """Runs all architectures on an input when the first of them is asked for."""

    def __init__(self, forward_many: Model, architectures: Sequence[Architecture]) -> None:
        self._forward_many = forward_many
        self._architectures = architectures
        self._x: Tensor | None = None
        self._outputs: Sequence[Any] = ()

    def __call__(self, index: int, x: Tensor) -> Any:
        if x is not self._x:
            self._x, self._outputs = x, self._forward_many(x, self._architectures)
        return self._outputs[index]


def _as_measures(loss: Tensor | Measures) -> Measures:
    return loss if isinstance(loss, Mapping) else {"loss": loss}


def _means(measured: Iterable[Measures]) -> dict[str, float]:
    rows = list(measured)
    return {name: sum(float(row[name].detach()) for row in rows) / len(rows) for name in rows[0]}
