"""A mutation that learns by REINFORCE which changes make good children."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.evolution.mutation import Member, Mutation
from pdas.methods.policy_gradient.categorical import draw, entropy
from pdas.methods.policy_gradient.rewards import LARGEST, Baseline, tan_reward
from pdas.methods.renas_like.controller import Controller
from pdas.resume.tensor_text import load_trained_state, read_trained_state, trained_state
from pdas.space import SearchSpace
from pdas.support.arrays import IntArray
from pdas.support.refusals import check_one_of

DECAY = 0.95  # of the baseline
LEARNING_RATE = 2e-3  # of Adam
ENTROPY = 1e-5  # its weight in the loss


@computes_on_cpu
class Mutator(Mutation):
    """One variable of a parent changes; which and to what is learned from the rewards of children.

    The reward "tan" is tan(pi/2 acc) of the child, with acc = 1 - loss in [0, 1]; "gain" is the
    parent's loss minus the child's. A birth with a member that failed teaches nothing.

    Args:
        space: the search space.
        seed: of the weights.
        reward: "tan" or "gain"; see above. The gain takes losses of any size.

    Raises:
        SettingError: there is no such reward.

    Example:
        Evolution(space, population=20, tournament=5, dies="worst", mutation=Mutator(space))
    """

    def __init__(
        self, space: SearchSpace, *, seed: int = 0, reward: Literal["tan", "gain"] = "tan"
    ) -> None:
        check_one_of("reward", reward, ("tan", "gain"), "tan is for losses in [0, 1]")
        self._free = np.flatnonzero(space.sizes > 1)
        self.reward = reward
        self.controller = Controller(space, seed=seed)
        self._adam = torch.optim.Adam(self.controller.parameters(), lr=LEARNING_RATE)
        self._baseline = Baseline(DECAY, corrected=True)

    @torch.no_grad()
    def __call__(self, parent: IntArray, rng: np.random.Generator) -> IntArray:
        child = parent.copy()
        if not len(self._free):
            return child
        router, states = self.controller(torch.tensor(parent)[None])
        i = draw(router[0], rng)
        child[i] = draw(self.controller.head(i, states[0, i], int(parent[i])), rng)
        return child

    def learn(self, births: Sequence[tuple[Member, Member]]) -> None:
        births = [pair for pair in births if all(math.isfinite(each.loss) for each in pair)]
        if not births or not len(self._free):
            return
        advantages = [self._baseline.advantage(self._reward(*pair)) for pair in births]
        log_p, nats = self.evaluate(births)
        loss = -(torch.tensor(advantages) * log_p).mean() - ENTROPY * nats.mean()
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()

    def evaluate(self, births: Sequence[tuple[Member, Member]]) -> tuple[Tensor, Tensor]:
        """ln p of mutations, and the entropy of their choices in nats, with gradients: `(n,)`.

        Args:
            births: parents and children, which differ in one variable.
        """
        parents, children = (
            torch.tensor([each.indices for each in group]) for group in zip(*births, strict=True)
        )
        router, states = self.controller(parents)
        log_ps, entropies = [], []
        for row, i in enumerate((parents != children).long().argmax(1).tolist()):
            head = self.controller.head(i, states[row, i], parents[row, i])
            log_ps.append(router[row, i] + head[children[row, i]])
            entropies.append(entropy(router[row]) + entropy(head))
        return torch.stack(log_ps), torch.stack(entropies)

    def measures(self) -> dict[str, float]:
        """The baseline of the rewards."""
        return {"baseline": self._baseline.mean}

    def state_dict(self) -> dict[str, Any]:
        return {
            "controller": trained_state(self.controller, self._adam),
            **self._baseline.state_dict(),
        }

    def restorer(self, state: Mapping[str, Any]) -> Callable[[], None]:
        read = read_trained_state(state["controller"], self.controller)
        restore_baseline = self._baseline.restorer(state)

        def restore() -> None:
            load_trained_state(read, self.controller, self._adam)
            restore_baseline()

        return restore

    def _reward(self, parent: Member, child: Member) -> float:
        if self.reward == "gain":
            return float(np.clip(parent.loss - child.loss, -LARGEST, LARGEST))
        return tan_reward(child.loss)
