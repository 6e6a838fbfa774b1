"""A search by gradients: logits learn from D_theta, shared weights from D_W, both of a mixture.

Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas.distributed.fabric import move_data_to_device
from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.darts.checks import check_context, check_finalists
from pdas.methods.darts.second_order import Ahead
from pdas.methods.planning.plan import Plan, PlanRequest
from pdas.methods.planning.search_plan import plan_finals, refuse_length
from pdas.nn.counting.counter import counting
from pdas.nn.mixing.relaxation import Kind, Relaxation
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray
from pdas.support.errors import NonFiniteLossError
from pdas.support.random_state import at_seed
from pdas.support.refusals import refuse
from pdas.training.batch_norm import without_running_statistics
from pdas.training.measures import as_measures, loss_of, numbers

BETAS = (0.5, 0.999)  # of Adam for the logits
PAPER = 7.8  # passes of one architecture that the mixture of the paper's network costs
DRAWN = 16  # architectures whose mean cost is that of a training pass


class MixtureSearch(SearchMethod):
    """Learns the logits of a relaxation.

    Args:
        space: that is searched.
        kind: of the relaxation.
        seed: of the logits at the start.
        second_order: whether the gradient of the logits looks a step of the weights ahead.
        start: standard deviation of the logits at the start.
        learning_rate: of the logits.
        weight_decay: of the logits.
        epochs: passes over D_W; None for as many as the budget of the search pays.

    Example:
        pdas.search(net, loss, data, method=MixtureSearch(net.space, "variables", start=0.1))
    """

    def __init__(
        self,
        space: SearchSpace,
        kind: Kind,
        *,
        seed: int = 0,
        second_order: bool = False,
        start: float = 1e-3,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
        epochs: int | None = None,
    ) -> None:
        self._first = space.uniform(np.random.default_rng(seed))
        self._kind, self._second_order, self._epochs = kind, second_order, epochs
        self._seed, self._start = seed, start
        self._learning_rate, self._weight_decay = learning_rate, weight_decay
        self._relaxation: Relaxation | None = None
        self._logits = torch.zeros(0, device="cpu")

    def plan(self, request: PlanRequest) -> Plan:
        check_finalists(request.settings)
        finals = plan_finals(request, request.budget)
        left = request.budget - finals.cost
        passes = (5 if self._second_order else 2) * self.passes_of_mixture(request)
        steps = int(left / passes) if self._epochs is None else self._epochs * request.per_epoch
        if steps < 1:
            refuse_length(request.settings, left, request.budget)
        return finals.plan(steps, 0, 0, passes)

    def passes_of_mixture(self, request: PlanRequest) -> float:
        """The cost of a pass of the mixture, in passes of one architecture.

        It is the quotient of their multiply-adds.

        Args:
            request: with the network, the loss and an example; otherwise it is that of the paper's
                network of cells.
        """
        net: Any = request.net
        if net is None or request.loss is None or request.example is None:
            return PAPER
        device = next((weight.device for weight in net.parameters()), torch.device("cpu"))
        loss, batch = request.loss, move_data_to_device(request.example(), device)
        relaxation = net.relaxation(self._kind)
        coefficients = relaxation.coefficients(torch.zeros(relaxation.size, device=device))
        rng = np.random.default_rng(0)
        models = [partial(_sampled, net, net.space.uniform(rng)) for _ in range(DRAWN)]
        with torch.no_grad(), at_seed(0, device=device), without_running_statistics(net):
            with counting() as mixture:
                loss(partial(net.forward_mixed, coefficients=coefficients), batch)
            with counting() as drawn:
                for model in models:
                    loss(model, batch)
        return max(1.0, mixture.total * DRAWN / drawn.total) if drawn.total else 1.0

    def begin(self, context: SearchContext) -> None:
        check_context(context, second_order=self._second_order)
        self._context = context
        net: Any = context.supernet
        self._net = net
        self._relaxation = relaxation = net.relaxation(self._kind)
        generator = torch.Generator().manual_seed(self._seed)
        drawn = self._start * torch.randn(relaxation.size, generator=generator, device="cpu")
        self._logits = drawn.to(context.fabric.device).requires_grad_()
        self._adam = torch.optim.Adam(
            [self._logits], self._learning_rate, betas=BETAS, weight_decay=self._weight_decay
        )

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        weights = self._context.weights
        assert weights is not None
        measured: dict[str, float] = {}
        if theta_batch is not None:
            gradient, measures = (
                self._ahead(weight_batch, theta_batch)
                if self._second_order
                else self._first_order(theta_batch)
            )
            _check_finite("gradient", gradient, "the logits")
            self._adam.zero_grad()
            self._logits.grad = gradient
            self._adam.step()
            measured = {f"theta_{name}": value for name, value in measures.items()}
        loss, measures = self._measured(weight_batch, self._model(self._logits.detach()))
        weights.update(loss)
        return measures | measured

    def best(self) -> Architecture:
        if self._relaxation is None:
            return self._first
        return self._relaxation.architecture(self._logits.detach())

    def measures(self) -> Mapping[str, float]:
        """The mean of the largest coefficients."""
        relaxation = self._relaxation
        return {"largest": 0.0 if relaxation is None else relaxation.largest(self._logits)}

    @property
    def theta_array(self) -> FloatArray | None:
        return None if self._relaxation is None else self._relaxation.theta(self._logits)

    def made_with(self) -> dict[str, Any]:
        """The settings, which a resumed search must have the same."""
        return {
            "method.kind": self._kind,
            "method.second_order": self._second_order,
            "method.start": self._start,
            "method.learning_rate": self._learning_rate,
            "method.weight_decay": self._weight_decay,
        }

    def state_dict(self) -> dict[str, Any]:
        return {"logits": self._logits.detach().clone(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self._logits.copy_(state["logits"])
        self._adam.load_state_dict(state["adam"])

    def _first_order(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        loss, measures = self._measured(batch, self._model(self._logits))
        (gradient,) = torch.autograd.grad(loss, self._logits)
        return gradient, measures

    def _ahead(self, weight_batch: Any, theta_batch: Any) -> tuple[Tensor, dict[str, float]]:
        assert self._context.weights is not None
        mixed = _Mixed(self._net)
        optimizer = self._context.weights.optimizer
        rate = self._context.weights.learning_rate

        def loss(batch: Any, weights: Mapping[str, Tensor], logits: Tensor) -> Any:
            return self._measured(batch, self._model(logits, mixed, weights))

        return Ahead(mixed, optimizer, rate, loss).gradient(weight_batch, theta_batch, self._logits)

    def _model(
        self,
        logits: Tensor,
        mixed: nn.Module | None = None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> Callable[..., Any]:
        """The mixture as a model, in the precision of Fabric; with other weights if there are."""
        assert self._relaxation is not None
        coefficients = self._relaxation.coefficients(logits)
        precision = self._context.fabric.strategy.precision

        def model(*inputs: Any, **named: Any) -> Any:
            inputs, named = precision.convert_input(inputs), precision.convert_input(named)
            named = {**named, "coefficients": coefficients}
            with precision.forward_context():
                if mixed is None or weights is None:
                    output = self._net.forward_mixed(*inputs, **named)
                else:
                    output = torch.func.functional_call(mixed, dict(weights), inputs, named)
            return precision.convert_output(output)

        return model

    def _measured(self, batch: Any, model: Callable[..., Any]) -> tuple[Tensor, dict[str, float]]:
        measures = as_measures(self._context.loss(model, batch))
        loss = loss_of(measures)
        _check_finite("loss", loss.detach(), "the mixture")
        return loss, numbers(measures)


def _check_finite(name: str, values: Tensor, of: str) -> None:
    """Refuse a loss, or a gradient, with a number that is not finite."""
    total = float(values.sum())
    if not math.isfinite(total):
        refuse(
            NonFiniteLossError,
            name,
            found=f"{total} of {of}",
            expected="a finite one",
            remedy="lower search.optimizer.learning_rate",
        )


class _Mixed(nn.Module):
    """A supernet whose call is that of its mixture, for `functional_call`."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Any, **named: Any) -> Any:
        net: Any = self.net
        return net.forward_mixed(*inputs, **named)


def _sampled(net: Any, architecture: Architecture, *inputs: Any, **named: Any) -> Any:
    return net(*inputs, architecture, **named)
