"""A policy that learns by the gradient of the expected reward: REINFORCE, or PPO.

Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
Learning", 1992; Schulman et al., "Proximal Policy Optimization Algorithms", 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.observing import Observing, with_worst
from pdas.methods.optimizer import checked_count, number_in
from pdas.methods.policy_gradient.policy import Policy
from pdas.methods.policy_gradient.rewards import Baseline
from pdas.resume.tensor_text import load_trained_state, read_trained_state, trained_state
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray

LARGEST = 1e6  # of a reward, so that one does not end all learning


@dataclass(frozen=True)
class Learning:
    """How a policy learns.

    Attributes:
        batch: m, architectures of an update.
        learning_rate: of Adam.
        betas: of Adam.
        epsilon: of Adam.
        decay: d of the moving baseline b <- d b + (1 - d) R.
        corrected: whether the baseline is corrected for its start at 0.
        entropy: e, the weight of the entropy in the reward.
        power: of the reward (1 - loss) ** power, as 3 of Zoph and Le.
        passes: of PPO over a batch; 0 for REINFORCE.
        clip: c of PPO.

    Example:
        Learning(batch=20, learning_rate=3.5e-4, passes=10)
    """

    batch: int = 10
    learning_rate: float = 3.5e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay: float = 0.95
    corrected: bool = False
    entropy: float = 0.0
    power: int = 1
    passes: int = 0
    clip: float = 0.2


@computes_on_cpu
class PolicyGradient(Observing):
    """Draws from a policy, and moves it towards what had a large reward, 1 - loss.

    A full batch of losses makes an update. An architecture that comes from elsewhere is taken as a
    draw, which is biased and useful. One that failed has the largest loss of its `tell`.

    Args:
        space: the search space.
        policy: over its variables.
        learning: how it learns.
        seed: of the draws.
        samples: how many architectures `ask()` gives.
        choice: what `best()` is: the best "observed", or the "greedy" choice of the policy.

    Example:
        policy = LSTMPolicy(space.sizes.tolist(), hidden=64)
        optimizer = PolicyGradient(space, policy, Learning(), seed=0)
    """

    def __init__(
        self,
        space: SearchSpace,
        policy: Policy,
        learning: Learning,
        *,
        seed: int = 0,
        samples: int = 2,
        choice: Literal["observed", "greedy"] = "observed",
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        self.policy = policy
        self._learning = learning
        self._choice = choice
        self._adam = torch.optim.Adam(
            policy.parameters(),
            lr=learning.learning_rate,
            betas=learning.betas,
            eps=learning.epsilon,
        )
        self._baseline = Baseline(learning.decay, learning.corrected)
        self._entropy = 0.0  # nats, the mean of the last update
        self._buffer: list[tuple[tuple[int, ...], float]] = []

    def ask(self, n: int | None = None) -> list[Architecture]:
        return self.space.architectures(
            self.policy.sample(self._rng, checked_count(n, self.samples))
        )

    def greedy(self) -> Architecture:
        """The most probable category at each step of the policy."""
        return self.space.architecture(self.policy.greedy())

    def best(self) -> Architecture:
        """The greedy choice of the policy, or the best that was told; see the class."""
        return self.greedy() if self._choice == "greedy" else super().best()

    def finalists(self, n: int) -> list[Architecture]:
        """The best that were told; or the greedy choice, which draws may follow."""
        return [self.greedy()] if self._choice == "greedy" else super().finalists(n)

    def measures(self) -> dict[str, float]:
        """The baseline of the rewards, and the mean entropy of the last update in nats."""
        return {"baseline": self._baseline.mean, "entropy": self._entropy}

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "policy": trained_state(self.policy, self._adam),
            **self._baseline.state_dict(),
            "entropy": self._entropy,
            "buffer": [{"indices": list(row), "loss": loss} for row, loss in self._buffer],
        }

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        told = zip(map(tuple, indices.tolist()), with_worst(losses).tolist(), strict=True)
        self._buffer += told
        m = self._learning.batch
        while len(self._buffer) >= m:
            batch, self._buffer = self._buffer[:m], self._buffer[m:]
            rows, values = zip(*batch, strict=True)
            self._update(np.array(rows), np.array(values))

    def _update(self, indices: IntArray, losses: FloatArray) -> None:
        """One update of the policy by a batch."""
        own = self._learning
        drawn = self.policy.evaluate(indices)
        if not drawn.log_prob.requires_grad:  # there is nothing to choose
            return
        entropy = drawn.entropy.detach().double().numpy()
        rewards = np.clip((1 - losses) ** own.power, -LARGEST, LARGEST) + own.entropy * entropy
        self._entropy = float(entropy.mean())
        advantage = torch.tensor([self._baseline.advantage(reward) for reward in rewards.tolist()])
        if not own.passes:
            self._apply(-(advantage * drawn.log_prob).mean())
            return
        before = drawn.log_prob.detach()
        for _ in range(own.passes):
            ratio = (self.policy.evaluate(indices).log_prob - before).exp()
            clipped = ratio.clamp(1 - own.clip, 1 + own.clip)
            self._apply(-torch.minimum(ratio * advantage, clipped * advantage).mean())

    def _apply(self, loss: Tensor) -> None:
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        read = read_trained_state(state["policy"], self.policy)
        restore_baseline = self._baseline.restorer(state)
        entropy = number_in(state, "entropy", least=0.0)
        buffer = [self._told(each) for each in state["buffer"]]
        if len(buffer) >= self._learning.batch:
            raise ValueError(f"{len(buffer)} losses, a batch or more")

        def restore() -> None:
            load_trained_state(read, self.policy, self._adam)
            restore_baseline()
            self._entropy, self._buffer = entropy, buffer

        return restore

    def _told(self, plain: dict[str, Any]) -> tuple[tuple[int, ...], float]:
        row = self.space.architecture(plain["indices"]).indices.tolist()
        return tuple(row), number_in(plain, "loss")
