"""Rewards, and the baseline of REINFORCE, which is a moving mean of them.

Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
Learning", 1992, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pdas.methods.optimizer import count_in, number_in

LARGEST = 1e3  # tan is infinite at an accuracy of 1


def tan_reward(loss: float) -> float:
    """tan(pi/2 acc), with acc = 1 - loss in [0, 1] (Cai et al., AAAI 2018).

    It grows the faster, the nearer the accuracy is to 1; at most 1000.
    """
    accuracy = min(max(1 - loss, 0.0), 1.0)
    return min(math.tan(math.pi / 2 * accuracy), LARGEST)


class Baseline:
    """b <- d b + (1 - d) R, from b = 0.

    Args:
        decay: d.
        corrected: whether b is divided by 1 - d ** n after n rewards, as in Adam, so that it is
            their weighted mean from the first one on.

    Attributes:
        mean: b, not corrected.

    Example:
        advantages = [baseline.advantage(reward) for reward in rewards]
    """

    def __init__(self, decay: float, corrected: bool = False) -> None:
        self._decay, self._corrected = decay, corrected
        self.mean, self._rewards = 0.0, 0

    def advantage(self, reward: float) -> float:
        """R - b, with the baseline after this reward."""
        self.mean = self._decay * self.mean + (1 - self._decay) * reward
        self._rewards += 1
        share = 1 - self._decay**self._rewards if self._corrected else 1.0
        return reward - self.mean / share

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as data that JSON can hold."""
        return {"baseline": self.mean, "rewards": self._rewards}

    def restorer(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Read a state; the result puts it into use.

        Raises:
            LookupError, ValueError: it is none.
        """
        mean, rewards = number_in(state, "baseline"), count_in(state, "rewards")

        def restore() -> None:
            self.mean, self._rewards = mean, rewards

        return restore
