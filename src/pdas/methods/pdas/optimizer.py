"""PDAS, the paper's optimizer: stochastic natural gradient on a product of categoricals.

    ask:  M_1 ... M_lambda ~ p_theta
    tell: losses -> utilities -> natural gradient -> theta and its bounds -> eta

theta and eta on the right-hand sides are those before the update.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.methods.optimizer import checked_count, checked_losses, count_in, reading_state
from pdas.methods.pdas.checks import check_active, check_finite, check_settings
from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.methods.pdas.eta import ROUNDING, EtaSetting, make_eta
from pdas.methods.pdas.natural_gradient import fisher_trace, natural_gradient, whitened
from pdas.methods.pdas.utility import rank_utility
from pdas.methods.pdas.warm_start import initial_theta
from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.space.categories import starts
from pdas.space.probabilities import Probabilities, probability_array
from pdas.support.arrays import FloatArray
from pdas.support.errors import OptimizerError


class PDAS:
    """Searches a space by adapting the probabilities theta of every category.

    The defaults are the paper's.

    Args:
        space: the search space.
        seed: of the random generator, >= 0.
        samples: lambda >= 2, how many architectures `ask()` gives; `tell` takes any number >= 2.
            More than the paper's 2 pay where losses are very noisy (docs/tabular.md).
        eta: the learning rate of theta. "adaptive" (Appendix C), "fixed" (1 / n with
            n = sum (K_i - 1); Shirakawa et al., "Dynamic Optimization of Neural Network Structures
            Using Probabilistic Modeling", AAAI 2018), or a constant > 0.
        alpha: > 0, threshold of the adaptive eta; larger values keep eta smaller.
        eta_scale: > 0 and at most 1, the share of the paper's eta_max at which the adaptive eta
            starts, and which it does not exceed. Below 1 theta decides later, which pays where the
            losses of the beginning mislead (docs/method.md).
        initial: where theta starts; uniform by default. `{name: probabilities}`, each summing to
            one, or an architecture.
        confidence: of an initial architecture, in [0, 1]: theta starts as this share of the
            architecture and the rest uniform.

    Raises:
        SettingError: if a setting is out of range.
        SpaceError: if `initial` does not fit the space.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5", "skip"], "width": [64, 128, 256]})
        >>> optimizer = PDAS(space, seed=0)
        >>> for step in range(200):
        ...     architectures = optimizer.ask()
        ...     optimizer.tell(architectures, [a["width"] for a in architectures])
        >>> optimizer.best()["width"]
        64
    """

    smallest_tell = 2  # utilities come from ranks, and one loss has nothing to be compared with

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 2,
        eta: EtaSetting = "adaptive",
        alpha: float = 1.5,
        eta_scale: float = 1.0,
        initial: Probabilities | Architecture | None = None,
        confidence: float = 0.5,
    ) -> None:
        check_settings(space, seed, samples, eta, alpha, eta_scale)
        self._space = space
        self._samples = int(samples)
        self._rng = np.random.default_rng(seed)
        self._p = CategoricalProduct(space.sizes)
        if initial is not None:
            start = initial_theta(space, initial, confidence)
            self._p.set(self._p.layout.with_padding(start))
        self._made_with = {
            "method.seed": int(seed),
            "method.samples": self._samples,
            "method.eta": eta,
            "method.alpha": alpha,
            "method.eta_scale": eta_scale,
            "method.initial": hashlib.sha256(self._p.theta.tobytes()).hexdigest()[:12],
        }
        self._eta = make_eta(eta, self._p.theta.shape, self._p.n, alpha, eta_scale)
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
        """Draw architectures from p_theta.

        Args:
            n: how many, at least 1; lambda = `samples` by default.

        Raises:
            OptimizerError: if n is no whole number above 0.
        """
        indices = self._p.sample(self._rng, checked_count(n, self._samples))
        indices.flags.writeable = False  # the rows become the indices of immutable architectures
        return [Architecture(self._space, indices=row) for row in indices]  # they need no check

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Update theta and eta by the ranks of the losses; if all are equal nothing changes.

        Args:
            architectures: lambda >= 2, of this space; they need not come from `ask`.
            losses: shape (lambda,), smaller is better. NaN and infinity rank worst.
            active: bool, shape (lambda, D): which variables each architecture uses. The others do
                not learn from it, and one that none uses stays as it is, bit for bit. All by
                default, as in the paper.

        Raises:
            OptimizerError: if the arguments do not fit; the state is as it was.
            NonFiniteLossError: if no loss is finite; the state is as it was.
        """
        indices, values = checked_losses(self._space, architectures, losses, self.smallest_tell)
        mask = None if active is None else check_active(active, indices.shape)
        used = self._p.free if mask is None else self._p.free & mask
        check_finite(values, indices, self._step + 1)
        self._step += 1
        weights = rank_utility(values)[:, np.newaxis] * used
        trace = fisher_trace(self._p, weights)
        if trace == 0:  # all utilities are 0
            return
        # Both directions are taken at the theta before the update, as (13) says.
        g = natural_gradient(self._p, indices, weights)
        direction = whitened(self._p, g) / math.sqrt(trace)
        before = self._p.theta
        self._p.set(before + self._eta.eta * g)  # (4), (11), (12)
        if mask is not None:  # rounding in (12) moves rows of theta even where g is 0
            unused = self._p.layout.of_rows(np.logical_not(mask.any(axis=0)))
            self._p.theta[unused] = before[unused]
        self._eta.adapt(direction)

    def best(self) -> Architecture:
        """The mode of p_theta: the most probable category of every variable."""
        return self._space.architecture(self._p.mode())

    @property
    def theta(self) -> dict[str, FloatArray]:
        """The probabilities of each variable's categories, by name: shapes (K_i,), copies."""
        theta, begins = self.theta_array, starts(self._space.sizes)
        rows = zip(self._space.names, begins, begins + self._space.sizes, strict=True)
        return {name: theta[begin:end] for name, begin, end in rows}

    @property
    def theta_array(self) -> FloatArray:
        """theta as one array, variable after variable: shape (sum K_i,), a copy, to be recorded."""
        return self._p.probabilities()

    @property
    def theta_max(self) -> FloatArray:
        """The largest probability that the bounds leave to each variable: shape (D,), a copy."""
        return self._p.theta_max.copy()

    @property
    def eta(self) -> float:
        """The learning rate of theta."""
        return self._eta.eta

    @property
    def convergence(self) -> float:
        """Mean of max_j theta_ij over the variables with a choice, in (0, 1].

        The lower bounds of theta keep it below 1, in a small space far below. `decided` is the
        share of what they leave.
        """
        return self._p.convergence()

    @property
    def decided(self) -> float:
        """How far theta has come from uniform, 0, towards its bounds, 1.

        It is (c - c_uniform) / (c_max - c_uniform), with c the `convergence`.
        """
        return self._p.decided()

    def measures(self) -> dict[str, float]:
        """The share that is decided, convergence and eta, as floats by name."""
        return {"decided": self.decided, "convergence": self.convergence, "eta": self.eta}

    def entropy(self) -> dict[str, float]:
        """The entropy of each variable in nats, by name."""
        return dict(zip(self._space.names, self._p.entropy().tolist(), strict=True))

    def log_probability(self, architecture: Architecture) -> float:
        """ln p_theta(architecture).

        Args:
            architecture: of `space`.

        Raises:
            OptimizerError: if it is of another space.
        """
        check_architecture("log_probability", architecture, self._space, OptimizerError)
        return float(self._p.log_probability(architecture.indices))

    def made_with(self) -> dict[str, Any]:
        """The arguments, of `initial` a fingerprint; see `pdas.methods.optimizer.made_with`."""
        return dict(self._made_with)

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, as data that JSON holds without loss."""
        return {
            "space": self._space.to_dict(),
            "step": self._step,
            "theta": {name: row.tolist() for name, row in self.theta.items()},
            "eta": self._eta.state_dict(),
            "random": self._rng.bit_generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken, in an optimizer with the same settings.

        Args:
            state: of `state_dict`.

        Raises:
            OptimizerError: if the state is of another space or kind, or malformed.
        """
        with reading_state():
            if SearchSpace(state["space"]) != self._space:
                raise ValueError("one of another search space")
            if state["eta"].keys() != self._eta.state_dict().keys():
                raise ValueError("one whose eta is of another kind")
            step = count_in(state, "step")
            theta = self._p.layout.with_padding(probability_array(self._space, state["theta"]))
            if not (theta >= self._p.theta_min * (1 - ROUNDING)).all():
                raise ValueError("theta is below its lower bounds")
            rng = np.random.default_rng()
            rng.bit_generator.state = state["random"]
            self._eta.load_state_dict(state["eta"])  # the last that may fail
        self._step, self._p.theta, self._rng = step, theta, rng
