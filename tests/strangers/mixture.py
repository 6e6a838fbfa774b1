"""A stranger: no ask and tell, but a mixture of all operations with a gradient on its coefficients.

A tiny one of the kind of Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, of the
first order: weights learn from D_W, coefficients from D_theta.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

import pdas
from pdas.methods.base import SearchContext
from pdas.space import Architecture, SearchSpace
from pdas.training.measures import as_measures, loss_of


class MixedNet(nn.Module):
    """Two layers, each of one of three activations; it can also run a mixture of all three."""

    space = SearchSpace({f"layer{i}": ("relu", "tanh", "none") for i in (1, 2)})
    activations = (nn.functional.relu, torch.tanh, lambda x: x)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 8)])
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.mixed(x, torch.eye(3)[architecture.indices])

    def mixed(self, x: Tensor, coefficients: Tensor) -> Tensor:
        for layer, row in zip(self.layers, coefficients, strict=True):
            h = layer(x)
            x = sum(c * f(h) for c, f in zip(row, self.activations, strict=True))
        return self.last(x)


class Mixture(pdas.SearchMethod):
    """Gradient descent on the coefficients of a mixture; the largest of each layer is chosen."""

    def __init__(self, rate: float = 0.1) -> None:
        self._alpha = nn.Parameter(torch.zeros(2, 3))
        self._optimizer = torch.optim.Adam([self._alpha], lr=rate)

    def begin(self, context: SearchContext) -> None:
        self._context = context

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        context, net = self._context, self._context.supernet
        assert context.weights is not None and isinstance(net, MixedNet)

        def measured(batch: Any) -> Tensor:
            mixed = lambda x: net.mixed(x, self._alpha.softmax(1))  # noqa: E731
            return loss_of(as_measures(context.loss(mixed, batch)))

        loss = measured(weight_batch)
        context.weights.update(loss)
        found = {"loss": float(loss.detach())}
        if theta_batch is not None:
            theta_loss = measured(theta_batch)
            self._optimizer.zero_grad()
            theta_loss.backward()
            self._optimizer.step()
            found["theta_loss"] = float(theta_loss.detach())
        return found

    def best(self) -> Architecture:
        return MixedNet.space.architecture(self._alpha.detach().argmax(1).numpy())

    def measures(self) -> Mapping[str, float]:
        return {"confidence": float(self._alpha.detach().softmax(1).max(1).values.mean())}

    def state_dict(self) -> dict[str, Any]:
        return {"alpha": self._alpha.detach().clone(), "adam": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self._alpha.copy_(state["alpha"])
        self._optimizer.load_state_dict(state["adam"])
