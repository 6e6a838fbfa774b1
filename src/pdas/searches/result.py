"""The result of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pdas.methods.base import SearchMethod
from pdas.methods.constraints.wrapper import Wrapper
from pdas.methods.optimizer import Optimizer
from pdas.searches.finalists import Finalist
from pdas.space import Architecture
from pdas.space.decided import ThetaHistory
from pdas.support.arrays import FloatArray
from pdas.training.loop import Progress


@dataclass
class SearchResult:
    """The result of a search. `on_epoch` is called with the result after each epoch.

    Attributes:
        architecture: the best one of the finalists, or of the method if there are none.
        method: the method in its state at the end.
        history: the progress at the end of each epoch.
        theta: the probabilities at the start and after each epoch, each `(D, K_max)`; empty for a
            method that has none.
        seconds: the time that the search took.
        finalists: the architectures compared at the end, the best first; empty if
            `settings.finalists` is 0.
        stopped: why the search ended before its planned end: "max_minutes", "patience",
            "stop_when_decided", "on_step" or "interrupted" (Ctrl-C); None if it did not.

    Example:
        result = pdas.search(net, loss, data)
        net.derive(result.architecture)
    """

    architecture: Architecture
    method: SearchMethod
    history: list[Progress] = field(default_factory=list)
    theta: list[FloatArray] = field(default_factory=list)
    seconds: float = 0.0
    finalists: list[Finalist] = field(default_factory=list)
    stopped: str | None = None

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of the method, without limit or penalty around it.

        Raises:
            AttributeError: the method has none.
        """
        optimizer: Any = self.method.optimizer  # type: ignore[attr-defined]
        while isinstance(optimizer, Wrapper):
            optimizer = optimizer.optimizer
        return optimizer  # type: ignore[no-any-return]

    @property
    def theta_history(self) -> ThetaHistory | None:
        """The probabilities with their steps and bounds; None for a method that has none."""
        if not self.theta:
            return None
        sizes, theta_max = self.architecture.space.sizes, self.method.theta_max
        return ThetaHistory(
            np.array([0, *(progress.step for progress in self.history)], float),
            np.array(self.theta),
            sizes,
            np.ones(len(sizes)) if theta_max is None else np.asarray(theta_max),
        )

    def add_theta(self) -> None:
        """Append the current probabilities, if there are any."""
        theta = self.method.theta_array
        if theta is not None:
            self.theta.append(np.array(theta))  # a copy, since the method may change its own

    def add_epoch(self, history: Sequence[Progress]) -> None:
        """Take the state of the search at the end of an epoch."""
        self.add_theta()
        self.architecture = self.method.best()
        self.set_history(history)

    def set_history(self, history: Sequence[Progress]) -> None:
        """Take the progress at the end of each epoch."""
        self.history = list(history)
        self.seconds = history[-1].seconds

    def add_finalists(self, finalists: Sequence[Finalist], seconds: float) -> None:
        """Take the finalists, the best first, and the time of the whole search."""
        self.finalists = list(finalists)
        self.architecture = self.finalists[0].architecture
        self.seconds = seconds

    def state_dict(self) -> dict[str, Any]:
        """What the last epoch gave; the states of the method and of the loop have all else."""
        return {
            "architecture": self.architecture.to_dict(),
            "theta": [theta.tolist() for theta in self.theta],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.architecture = self.architecture.space.architecture(state["architecture"])
        self.theta = [np.array(theta) for theta in state["theta"]]
