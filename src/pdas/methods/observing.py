"""The base of optimizers whose choice is the best that they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.methods.observed import Observed
from pdas.methods.optimizer import checked_count, checked_losses, reading_state
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import NonFiniteLossError
from pdas.support.refusals import check_integer, refuse
from pdas.support.settings import LARGEST_SEED


class Observing:
    """Draws uniformly, and keeps the best that it was told. A subclass draws and learns otherwise.

    Args:
        space: the search space.
        seed: of the random generator.
        samples: how many architectures `ask()` gives.

    Attributes:
        space: see above.
        samples: see above.

    Raises:
        SettingError: the seed is none.

    Example:
        class Evolution(Observing):
            def _draw(self): ...
            def _learn(self, indices, losses): ...
    """

    smallest_tell = 1  # a loss is a loss, without another one

    def __init__(self, space: SearchSpace, *, seed: int = 0, samples: int = 2) -> None:
        check_integer("seed", seed, 0, "give 0 or 1", LARGEST_SEED)
        check_integer("samples", samples, 1)
        self.space = space
        self.samples = samples
        self._rng = np.random.default_rng(seed)
        self._observed = Observed(space)
        self._start = space.uniform(np.random.default_rng([seed, 1]))

    def ask(self, n: int | None = None) -> list[Architecture]:
        """Architectures to evaluate; see `Optimizer.ask`."""
        return [self._draw() for _ in range(checked_count(n, self.samples))]

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Learn from the losses of architectures; see `Optimizer.tell`."""
        indices, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        if not np.isfinite(values).any():
            refuse(
                NonFiniteLossError,
                "tell",
                found=f"no finite loss of {len(values)}",
                expected="one",
                remedy="lower the learning rate of what gives them",
            )
        values = np.where(np.isfinite(values), values, np.inf)
        self._observed.add(indices, values)
        self._learn(indices, values)

    def best(self) -> Architecture:
        """The architecture with the lowest loss; before the first loss, a random one."""
        return self.finalists(1)[0]

    def finalists(self, n: int) -> list[Architecture]:
        """Up to n different architectures, that with the lowest loss first."""
        return self._observed.best(n) or [self._start]

    def measures(self) -> dict[str, float]:
        """None."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as data that JSON can hold."""
        return {
            "space": self.space.to_dict(),
            "random": self._rng.bit_generator.state,
            "observed": self._observed.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from `state_dict` of an optimizer with the same settings.

        Raises:
            OptimizerError: it is none; then nothing has changed.
        """
        rng, observed = np.random.default_rng(), Observed(self.space)
        with reading_state():
            if SearchSpace(state["space"]) != self.space:
                raise ValueError("one of another search space")
            observed.load_state_dict(state["observed"])
            rng.bit_generator.state = state["random"]
            restore = self._restorer(state)
        self._rng, self._observed = rng, observed
        restore()

    def _draw(self) -> Architecture:
        """An architecture to evaluate."""
        return self.space.uniform(self._rng)

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        """Learn from losses `(n,)`, infinite where they failed, of architectures `(n, D)`."""

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        """Read what a subclass adds to the state; the result puts it into use.

        Raises:
            LookupError, TypeError, ValueError: it is missing or makes no sense.
        """
        return lambda: None


def with_worst(losses: FloatArray) -> FloatArray:
    """Losses of which those that failed have the largest of the others.

    Args:
        losses: `(n,)`, one of them finite at least.
    """
    finite = np.isfinite(losses)
    return np.where(finite, losses, losses[finite].max())
