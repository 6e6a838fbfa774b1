"""The gradient after one more step, against formulas, finite differences and its limit cases."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas.methods.darts.second_order import Ahead


class Scalar(nn.Module):
    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.double))


C = 0.3


def quadratic(batch: str, weights: Any, alpha: Tensor) -> tuple[Tensor, dict[str, float]]:
    """L_W = (w - a)^2 / 2 and L_theta = (w - 1)^2 / 2 + c a^2 / 2."""
    w, a = weights["w"], alpha[0]
    loss = (w - a) ** 2 / 2 if batch == "W" else (w - 1) ** 2 / 2 + C * a**2 / 2
    return loss, {"loss": float(loss.detach())}


def ahead(module: Scalar, rate: float, **sgd: float) -> Ahead:
    optimizer = torch.optim.SGD(module.parameters(), lr=rate, **sgd)
    return Ahead(module, optimizer, rate, quadratic)


def test_the_gradient_of_a_quadratic() -> None:
    w, a, xi = 0.2, 0.7, 0.1
    alpha = torch.tensor([a], dtype=torch.double, requires_grad=True)
    gradient, measures = ahead(Scalar(w), xi).gradient("W", "theta", alpha)
    after = w - xi * (w - a)
    assert float(gradient) == pytest.approx(C * a + xi * (after - 1), abs=1e-9)
    assert measures["loss"] == pytest.approx((after - 1) ** 2 / 2 + C * a**2 / 2)


def test_without_a_step_it_is_the_first_order() -> None:
    alpha = torch.tensor([0.7], dtype=torch.double, requires_grad=True)
    gradient, _ = ahead(Scalar(0.2), 0.0).gradient("W", "theta", alpha)
    assert float(gradient) == pytest.approx(C * 0.7)


def test_momentum_and_decay_are_in_the_step() -> None:
    w, a, xi, mu, decay = 0.2, 0.7, 0.1, 0.9, 0.05
    module = Scalar(w)
    optimizer = torch.optim.SGD(module.parameters(), lr=xi, momentum=mu, weight_decay=decay)
    optimizer.state[module.w]["momentum_buffer"] = torch.tensor(0.4, dtype=torch.double)
    alpha = torch.tensor([a], dtype=torch.double, requires_grad=True)
    _, measures = Ahead(module, optimizer, xi, quadratic).gradient("W", "theta", alpha)
    after = w - xi * (mu * 0.4 + (w - a) + decay * w)
    assert measures["loss"] == pytest.approx((after - 1) ** 2 / 2 + C * a**2 / 2)
    optimizer.zero_grad()  # and it is the step that SGD takes
    quadratic("W", {"w": module.w}, alpha.detach())[0].backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert float(module.w.detach()) == pytest.approx(after)


def test_all_losses_of_the_weight_batch_have_the_same_draws() -> None:
    def noisy(batch: str, weights: Any, alpha: Tensor) -> tuple[Tensor, dict[str, float]]:
        loss, measures = quadratic(batch, weights, alpha)
        drawn = torch.randn((), dtype=torch.double)
        # As dropout does, the draw scales a weight; the gradient of the step is w - draw a.
        return (loss - (drawn - 1) * weights["w"] * alpha[0] if batch == "W" else loss), measures

    w, a, xi = 0.2, 0.7, 0.1
    alpha = torch.tensor([a], dtype=torch.double, requires_grad=True)
    module = Scalar(w)
    optimizer = torch.optim.SGD(module.parameters(), lr=xi)
    torch.manual_seed(3)
    gradient, _ = Ahead(module, optimizer, xi, noisy).gradient("W", "theta", alpha)
    after = torch.randn(())
    torch.manual_seed(3)
    draw = float(torch.randn((), dtype=torch.double))
    moved = w - xi * (w - draw * a)
    assert float(gradient) == pytest.approx(C * a + xi * draw * (moved - 1))
    torch.randn((), dtype=torch.double)  # of the theta batch
    assert torch.equal(after, torch.randn(()))  # later draws are new ones


def test_the_weights_stay_as_they_are_bit_for_bit() -> None:
    module = Scalar(0.2)
    before = module.w.detach().clone()
    alpha = torch.tensor([0.7], dtype=torch.double, requires_grad=True)
    ahead(module, 0.1).gradient("W", "theta", alpha)
    assert torch.equal(module.w.detach(), before) and module.w.grad is None and alpha.grad is None


def test_of_a_network_it_is_the_derivative_of_the_loss_after_the_step() -> None:
    """Against central differences of alpha -> L_theta(w'(alpha), alpha), in float64."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, y = torch.randn(2, 8, 3).double(), torch.randn(2, 8, 1).double()

    def loss(batch: int, weights: Any, alpha: Tensor) -> tuple[Tensor, dict[str, float]]:
        out = torch.func.functional_call(net, dict(weights), (x[batch] * alpha.sigmoid(),))
        value = (out - y[batch]).square().mean()
        return value, {}

    xi = 0.2
    optimizer = torch.optim.SGD(net.parameters(), lr=xi, weight_decay=0.1)
    alpha = torch.randn(3).double().requires_grad_()
    found, _ = Ahead(net, optimizer, xi, loss).gradient(0, 1, alpha)

    def after(value: Tensor) -> float:
        weights = dict(net.named_parameters())
        grads = torch.autograd.grad(loss(0, weights, value)[0], list(weights.values()))
        moved = {
            n: w - xi * (g + 0.1 * w) for (n, w), g in zip(weights.items(), grads, strict=True)
        }
        return float(loss(1, moved, value)[0].detach())

    for i in range(3):
        step = torch.zeros(3).double()
        step[i] = 1e-5
        numeric = (after(alpha.detach() + step) - after(alpha.detach() - step)) / 2e-5
        assert float(found[i]) == pytest.approx(numeric, rel=2e-3, abs=1e-5)
