"""The learning rate eta of theta: adaptive (Appendix C) or fixed.

The adaptive rate accumulates the normalised updates in s. Pure noise gives ||s||^2 = gamma on
average. While the updates agree, ||s||^2 / alpha exceeds gamma and eta grows, at most to eta_max;
where they cancel each other, eta shrinks.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from pdas.support.arrays import FloatArray


class LearningRate(Protocol):
    """A rate that may change with every update."""

    eta: float

    def adapt(self, direction: FloatArray) -> None:
        """Learn from A^T g / sqrt(Tr(F Cov[g])), both at the theta before the update."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        ...


class AdaptiveRate:
    """Equation (13), with eta_min = 0 and eta starting at eta_max = scale n^(-1/2).

    The paper's scale is 1. Fixed: `alpha`, `eta_max`. State: `eta`, `gamma`, and `s` of the
    direction's shape.
    """

    def __init__(self, shape: tuple[int, ...], n: int, alpha: float, scale: float = 1.0) -> None:
        self.alpha = alpha
        self.eta_max = scale * max(n, 1) ** -0.5
        self.eta = self.eta_max
        self.gamma = 0.0
        self.s: FloatArray = np.zeros(shape)

    def adapt(self, direction: FloatArray) -> None:
        eta = self.eta
        self.s = (1 - eta) * self.s + math.sqrt(eta * (2 - eta)) * direction
        self.gamma = (1 - eta) ** 2 * self.gamma + eta * (2 - eta)
        exponent = eta * (float(np.vdot(self.s, self.s)) / self.alpha - self.gamma)
        room = math.log(self.eta_max / eta)  # compared before exp, which could overflow
        self.eta = eta * math.exp(exponent) if exponent < room else self.eta_max  # (13)

    def state_dict(self) -> dict[str, Any]:
        return {"eta": self.eta, "gamma": self.gamma, "s": self.s.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        s = np.array(state["s"], dtype=np.float64)
        if s.shape != self.s.shape:
            raise ValueError(f"s has shape {s.shape}, expected {self.s.shape}")
        self.eta, self.gamma, self.s = float(state["eta"]), float(state["gamma"]), s


class FixedRate:
    """A constant rate: it has no state."""

    def __init__(self, eta: float) -> None:
        self.eta = eta

    def adapt(self, direction: FloatArray) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass
