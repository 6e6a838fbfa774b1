"""PDAS, the paper's optimizer: stochastic natural gradient on a product of categoricals.

    ask:  M_1 ... M_lambda ~ p_theta
    tell: losses -> utilities -> natural gradient -> theta and its bounds -> learning rate

theta and eta on the right-hand sides are those before the update.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pdas.methods.optimizer import checked_losses
from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.methods.pdas.eta import AdaptiveRate, FixedRate, LearningRate
from pdas.methods.pdas.natural_gradient import fisher_trace, natural_gradient, whitened
from pdas.methods.pdas.utility import rank_utility
from pdas.methods.pdas.warm_start import (
    Probabilities,
    theta_of_architecture,
    theta_of_probabilities,
)
from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.support.arrays import BoolArray, FloatArray
from pdas.support.errors import NonFiniteLossError, OptimizerError, SettingError


class PDAS:
    """Searches a space by adapting the probabilities theta of every category.

    seed: of the random generator, >= 0.
    samples: lambda >= 2, how many architectures `ask()` gives; `tell` takes any number >= 2. More
        than the paper's 2 pay where losses are very noisy (docs/tabular.md).
    eta: "adaptive" (Appendix C), "fixed" (1 / n with n = sum (K_i - 1); Shirakawa et al.,
        "Dynamic Optimization of Neural Network Structures Using Probabilistic Modeling", AAAI
        2018), or a constant > 0.
    alpha: > 0, threshold of the adaptive rate; larger values keep eta smaller.
    eta_scale: > 0 and at most 1, the share of the paper's eta_max at which the adaptive rate
        starts, and which it does not exceed. Below 1 theta decides later, which pays where the
        losses of the beginning mislead (docs/method.md).
    initial: where theta starts; uniform by default. `{name: probabilities}`, each summing to one,
        or an architecture.
    confidence: of an initial architecture, in [0, 1]: theta starts as this share of the
        architecture and the rest uniform.

    The defaults are the paper's. Raises SettingError, or SpaceError for a bad `initial`.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 2,
        eta: Literal["adaptive", "fixed"] | float = "adaptive",
        alpha: float = 1.5,
        eta_scale: float = 1.0,
        initial: Probabilities | Architecture | None = None,
        confidence: float = 0.5,
    ) -> None:
        if not isinstance(space, SearchSpace):
            raise SettingError(
                f"space: found {type(space).__name__}, expected a SearchSpace; give net.space, or "
                "pdas.SearchSpace({...})"
            )
        _check_settings(seed, samples, eta, alpha, eta_scale)
        self._space = space
        self._samples = int(samples)
        self._rng = np.random.default_rng(seed)
        self._p = CategoricalProduct(space.sizes)
        if isinstance(initial, Architecture):
            self._p.set(theta_of_architecture(space, initial, confidence))
        elif initial is not None:
            self._p.set(theta_of_probabilities(space, initial))
        self._rate = _learning_rate(eta, self._p, alpha, eta_scale)
        self._step = 0

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self._space

    @property
    def samples(self) -> int:
        """lambda: how many `ask` gives by default."""
        return self._samples

    def ask(self, n: int | None = None) -> list[Architecture]:
        """n >= 1 architectures drawn from p_theta; lambda = `samples` by default."""
        count = self._samples if n is None else n
        if not isinstance(count, int | np.integer) or count < 1:
            raise OptimizerError(
                f"ask: found n = {count!r}, expected an integer of at least 1; "
                "leave it out for the optimizer's own number"
            )
        indices = self._p.sample(self._rng, count)
        indices.flags.writeable = False
        return [Architecture(self._space, indices=row) for row in indices]  # they need no check

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Update theta and eta by the ranks of lambda >= 2 losses; smaller is better.

        architectures: of this space; they need not come from `ask`.
        losses: shape (lambda,). NaN and infinity rank worst.
        active: bool, shape (lambda, D): which variables each architecture uses; the others do not
            learn from it, and one that none uses stays as it is, bit for bit. All by default, as
            in the paper.

        If all losses are equal nothing changes. Raises OptimizerError for arguments that do not
        fit, NonFiniteLossError if no loss is finite; both leave the state as it was.
        """
        indices, values = checked_losses(self._space, architectures, losses)
        mask = None if active is None else _mask(active, indices.shape)
        used = self._p.free if mask is None else self._p.free & mask
        if not np.isfinite(values).any():
            raise NonFiniteLossError(
                f"tell, step {self._step + 1}: no loss is finite, found {values.tolist()} for the "
                f"architectures of indices {indices.tolist()}; lower the learning rate of the "
                "weights or look for what overflows"
            )
        self._step += 1
        weights = rank_utility(values)[:, np.newaxis] * used
        trace = fisher_trace(self._p, weights)
        if trace == 0:  # all utilities are 0
            return
        g = natural_gradient(self._p, indices, weights)
        direction = whitened(self._p, g) / math.sqrt(trace)
        before = self._p.theta
        self._p.set(before + self._rate.eta * g)  # (4), (11), (12)
        if mask is not None:  # rounding in (12) moves rows of theta even where g is 0
            unused = ~mask.any(axis=0)
            self._p.theta[unused] = before[unused]
        self._rate.adapt(direction)

    def best(self) -> Architecture:
        """The mode of p_theta: the most probable category of every variable."""
        return self._space.architecture(self._p.mode())

    @property
    def theta(self) -> dict[str, FloatArray]:
        """The probabilities of each variable's categories, by name: shapes (K_i,), copies."""
        rows = zip(self._space.variables, self._p.theta, strict=True)
        return {v.name: row[: len(v.categories)].copy() for v, row in rows}

    @property
    def theta_array(self) -> FloatArray:
        """theta as one array of shape (D, max K), 0 beyond K_i: a copy, handy for recording."""
        return self._p.theta.copy()

    @property
    def eta(self) -> float:
        """The learning rate of theta."""
        return self._rate.eta

    @property
    def convergence(self) -> float:
        """Mean of max_j theta_ij over the variables with a choice, in (0, 1]."""
        return self._p.convergence()

    def entropy(self) -> dict[str, float]:
        """The entropy of each variable in nats, by name."""
        return dict(zip(self._space.names, self._p.entropy().tolist(), strict=True))

    def log_probability(self, architecture: Architecture) -> float:
        """ln p_theta(architecture). Raises OptimizerError if it is of another space."""
        check_architecture("log_probability", architecture, self._space, OptimizerError)
        return float(self._p.log_probability(architecture.indices))

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, as data that JSON holds without loss."""
        return {
            "space": self._space.to_dict(),
            "step": self._step,
            "theta": {name: row.tolist() for name, row in self.theta.items()},
            "eta": self._rate.state_dict(),
            "random": self._rng.bit_generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, in an optimizer with the same settings.

        Raises OptimizerError if the state is of another space or kind, or malformed.
        """
        try:
            if SearchSpace(state["space"]) != self._space:
                raise ValueError("it is of another search space")
            if state["eta"].keys() != self._rate.state_dict().keys():
                raise ValueError("its eta is of another kind")
            step = int(state["step"])
            theta = theta_of_probabilities(self._space, state["theta"])
            rng = np.random.default_rng()
            rng.bit_generator.state = state["random"]
            self._rate.load_state_dict(state["eta"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OptimizerError(
                f"load_state_dict: this is no state of this optimizer ({error}); give it the "
                "space and the settings that the state was saved with"
            ) from error
        self._step, self._p.theta, self._rng = step, theta, rng


def _check_settings(
    seed: int,
    samples: int,
    eta: Literal["adaptive", "fixed"] | float,
    alpha: float,
    eta_scale: float,
) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise SettingError(f"seed: found {seed!r}, expected an integer of at least 0; give 0 or 1")
    if not isinstance(samples, int | np.integer) or samples < 2:
        raise SettingError(
            f"samples: found {samples!r}, expected an integer of at least 2; "
            "leave it out for the paper's 2"
        )
    if eta not in ("adaptive", "fixed") and not _is_positive(eta):
        raise SettingError(
            f"eta: found {eta!r}, expected 'adaptive', 'fixed' or a number "
            "above 0; leave it out for the paper's adaptive one"
        )
    if not _is_positive(alpha):
        raise SettingError(
            f"alpha: found {alpha!r}, expected a number above 0; leave it out for the paper's 1.5"
        )
    if not _is_positive(eta_scale) or eta_scale > 1:
        raise SettingError(
            f"eta_scale: found {eta_scale!r}, expected a number above 0 and at most 1; leave it "
            "out for the paper's 1"
        )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value) and bool(value > 0)


def _learning_rate(
    setting: Literal["adaptive", "fixed"] | float,
    p: CategoricalProduct,
    alpha: float,
    eta_scale: float,
) -> LearningRate:
    if setting == "adaptive":
        return AdaptiveRate(p.theta.shape, p.n, alpha, eta_scale)
    if setting == "fixed":
        return FixedRate(1 / max(p.n, 1))
    return FixedRate(float(setting))


def _mask(active: npt.ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    mask = np.asarray(active)
    if mask.shape != shape or mask.dtype != np.bool_:
        raise OptimizerError(
            f"tell: found active of shape {mask.shape} and type {mask.dtype}, expected {shape} "
            "and bool, one value for each architecture and variable; give "
            "np.stack([net.active(a) for a in architectures])"
        )
    return mask
