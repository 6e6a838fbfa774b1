"""eta, the learning rate of theta: adaptive (Appendix C) or fixed.

The adaptive eta accumulates the normalised updates in s. Pure noise gives ||s||^2 = gamma on
average. While the updates agree, ||s||^2 / alpha exceeds gamma and eta grows, at most to eta_max;
where they cancel each other, eta shrinks.
"""

from __future__ import annotations

import math
import sys
from typing import Any, Literal, Protocol

import numpy as np

from pdas.methods.optimizer import number_in
from pdas.support.arrays import FloatArray

ROUNDING = 1e-9

EtaSetting = Literal["adaptive", "fixed"] | float


class Eta(Protocol):
    """An eta that may change with every update."""

    eta: float

    def adapt(self, direction: FloatArray) -> None:
        """Learn from the direction of one update of theta.

        Args:
            direction: A^T g / sqrt(Tr(F Cov[g])), shape (S,); both at the theta before the
                update.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of `state_dict`.

        Args:
            state: of an eta of the same kind and space.
        """
        ...


class AdaptiveEta:
    """Equation (13) of Appendix C, with eta_min = 0 and eta starting at eta_max = scale n^(-1/2).

    Args:
        shape: of the direction, as (S,).
        n: sum (K_i - 1), the degrees of freedom of the distribution.
        alpha: the threshold that ||s||^2 / gamma must exceed for eta to grow.
        scale: the paper's is 1.

    Attributes:
        alpha, eta_max: fixed.
        eta, gamma, s: the state; `s` has the direction's shape.

    Example:
        >>> AdaptiveEta((2, 3), n=4, alpha=1.5).eta
        0.5
    """

    def __init__(self, shape: tuple[int, ...], n: int, alpha: float, scale: float = 1.0) -> None:
        self.alpha = alpha
        self.eta_max = scale * max(n, 1) ** -0.5
        self.eta = self.eta_max
        self.gamma = 0.0
        self.s: FloatArray = np.zeros(shape)

    def adapt(self, direction: FloatArray) -> None:
        """Update s, gamma and eta by (13); all right-hand sides have the eta before."""
        eta = self.eta
        self.s = (1 - eta) * self.s + math.sqrt(eta * (2 - eta)) * direction
        self.gamma = (1 - eta) ** 2 * self.gamma + eta * (2 - eta)
        exponent = eta * (float(np.vdot(self.s, self.s)) / self.alpha - self.gamma)
        # Compared with the logarithm, since the exponential could overflow.
        largest = math.log(self.eta_max / eta)
        self.eta = eta * math.exp(exponent) if exponent < largest else self.eta_max  # (13)

    def state_dict(self) -> dict[str, Any]:
        """eta, gamma and s, as data that JSON holds without loss."""
        return {"eta": self.eta, "gamma": self.gamma, "s": self.s.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of `state_dict`.

        Raises:
            ValueError: if s is of another shape, or a number is not finite or out of range.
        """
        s = np.array(state["s"], dtype=np.float64)
        if s.shape != self.s.shape:
            raise ValueError(f"s has shape {s.shape}, expected {self.s.shape}")
        if not np.isfinite(s).all():
            raise ValueError("s is not finite everywhere")
        eta = number_in(state, "eta", sys.float_info.min, self.eta_max)
        gamma = number_in(state, "gamma", 0, 1 + ROUNDING)  # (13) leaves it in [0, 1]
        self.eta, self.gamma, self.s = eta, gamma, s


def eta_of_noise(start: float, alpha: float, steps: int) -> FloatArray:
    """The course of the adaptive eta under pure noise, where ||s||^2 is gamma on average.

    For long searches it comes near 1 / ((1 - 1 / alpha) step), whatever the start.

    Args:
        start: eta before the first step, which it does not exceed.
        alpha: the threshold of (13).
        steps: how many.

    Returns:
        eta after each step, shape (steps,).
    """
    eta, gamma, course = start, 0.0, np.empty(steps)
    for step in range(steps):
        gamma = (1 - eta) ** 2 * gamma + eta * (2 - eta)
        eta = min(start, eta * math.exp(eta * gamma * (1 / alpha - 1)))  # (13)
        course[step] = eta
    return course


class FixedEta:
    """A constant eta: it has no state.

    Args:
        eta: > 0.

    Example:
        >>> FixedEta(0.1).eta
        0.1
    """

    def __init__(self, eta: float) -> None:
        self.eta = eta

    def adapt(self, direction: FloatArray) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def make_eta(
    setting: EtaSetting, shape: tuple[int, ...], n: int, alpha: float, scale: float
) -> Eta:
    """eta by the setting of `PDAS`, which has checked it.

    Args:
        setting: "adaptive", "fixed" or a constant.
        shape: of theta.
        n: sum (K_i - 1), the degrees of freedom of the distribution.
        alpha: threshold of the adaptive eta.
        scale: of eta_max of the adaptive eta.

    Returns:
        `AdaptiveEta`, or `FixedEta` of 1 / n or of the constant.
    """
    if setting == "adaptive":
        return AdaptiveEta(shape, n, alpha, scale)
    return FixedEta(1 / max(n, 1) if setting == "fixed" else float(setting))
