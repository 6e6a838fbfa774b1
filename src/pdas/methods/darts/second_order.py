"""The gradient of the logits after a step of the weights (Liu et al., equations 6 to 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pdas.support.random_state import random_state, set_random_state

RADIUS = 0.01  # of the finite difference, over the norm of its direction

Weights = Mapping[str, Tensor]


class LossOf(Protocol):
    """The loss of a batch, with given weights and logits, and its measures."""

    def __call__(
        self, batch: Any, weights: Weights, logits: Tensor
    ) -> tuple[Tensor, dict[str, float]]: ...


class Ahead:
    """One gradient of the logits, at the weights after one more step.

    w' = w - xi (mu v + grad_w L_W(w, alpha) + lambda w), with the momentum buffer v, 0 before the
    first step; mu is 0 for an optimizer without momentum. All three losses of the weight batch have
    the same random draws, as of dropout: a difference of draws over 2 epsilon would be all that is
    left of the gradient.

    Args:
        module: whose weights are trained.
        optimizer: of the weights: its momentum and weight decay are in the step.
        rate: xi, the present learning rate of the weights.
        loss: with given weights.

    Example:
        gradient, measures = Ahead(module, optimizer, 0.025, loss).gradient(batch, other, alpha)
    """

    def __init__(self, module: nn.Module, optimizer: Any, rate: float, loss: LossOf) -> None:
        self._weights = {
            name: weight for name, weight in module.named_parameters() if weight.requires_grad
        }
        self._groups = {
            weight: group for group in optimizer.param_groups for weight in group["params"]
        }
        self._state = optimizer.state
        self._rate = rate
        self._loss = loss

    def gradient(
        self, weight_batch: Any, theta_batch: Any, logits: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """The gradient of the logits, and what was measured on the theta batch at w'.

        Args:
            weight_batch: of D_W, that of this step's update.
            theta_batch: of D_theta.
            logits: alpha, a leaf with a gradient.
        """
        device = logits.device
        draws = random_state(device=device)
        ahead = self._step(weight_batch, logits)
        loss, measures = self._loss(theta_batch, ahead, logits)
        d, *u = torch.autograd.grad(
            loss, [logits, *ahead.values()], allow_unused=True, materialize_grads=True
        )
        norm = torch.sqrt(sum((each.square().sum() for each in u), torch.zeros_like(d[0])))
        if float(norm) == 0:
            return d, measures
        epsilon, after = RADIUS / norm, random_state(device=device)
        gradients = []
        for sign in (1, -1):
            set_random_state(draws, device=device)
            gradients.append(self._logit_gradient(weight_batch, u, sign * epsilon, logits))
        set_random_state(after, device=device)
        above, below = gradients
        return d - self._rate * (above - below) / (2 * epsilon), measures

    def _step(self, batch: Any, logits: Tensor) -> dict[str, Tensor]:
        """w', as leaves."""
        loss, _ = self._loss(batch, self._weights, logits.detach())
        gradients = torch.autograd.grad(
            loss, list(self._weights.values()), allow_unused=True, materialize_grads=True
        )
        ahead = {}
        with torch.no_grad():
            for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
                decay, momentum = self._own(weight)
                moved = weight - self._rate * (momentum + gradient + decay * weight)
                ahead[name] = moved.requires_grad_()
        return ahead

    def _own(self, weight: Tensor) -> tuple[float, Tensor | float]:
        """lambda and mu v of a weight."""
        group = self._groups[weight]
        buffer = self._state.get(weight, {}).get("momentum_buffer")
        momentum = 0.0 if buffer is None else group.get("momentum", 0.0) * buffer
        return group.get("weight_decay", 0.0), momentum

    def _logit_gradient(
        self, batch: Any, direction: list[Tensor], length: Tensor, logits: Tensor
    ) -> Tensor:
        """grad_alpha L_W(w + length direction, alpha)."""
        moved = {
            name: weight.detach() + length * each
            for (name, weight), each in zip(self._weights.items(), direction, strict=True)
        }
        loss, _ = self._loss(batch, moved, logits)
        (gradient,) = torch.autograd.grad(loss, logits)
        return gradient
