"""EAS as an optimizer: it asks for edited networks, and learns from their rewards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.eas.edits import Edits, draw, log_p_and_entropy
from pdas.methods.eas.layers import LayerSpace
from pdas.methods.eas.policy import EditPolicy
from pdas.methods.observing import Observing
from pdas.methods.optimizer import number_in
from pdas.methods.policy_gradient.rewards import tan_reward
from pdas.resume.tensor_text import load_trained_state, read_trained_state, trained_state
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray

RATE = 0.95  # of the baseline towards the mean reward of an episode
LEARNING_RATE = 2e-3  # of Adam
ENTROPY = 1e-5  # its weight in the loss
MOST_OPEN = 1000  # networks whose loss is not told yet

Row = tuple[int, ...]


@computes_on_cpu
class EAS(Observing):
    """Asks for the start network, until its loss is told, and then for edits of it.

    An episode ends when the losses of `nets` edited networks are told: R = tan(pi/2 acc) - b with
    acc = 1 - loss in [0, 1], b <- b + 0.95 (mean R - b), and an update by REINFORCE. A network that
    failed, or that nobody asked for, teaches the policy nothing.

    Args:
        space: of blocks of layers.
        seed: of the policy's weights and of all draws.
        samples: how many architectures `ask()` gives.
        nets: of an episode.
        wider, deeper: decisions for each network.
        start: layers of each block of the start network.

    Raises:
        SettingError: the space has no blocks of layers.

    Example:
        optimizer = EAS(space, nets=10)
        (first,) = optimizer.ask(1)
        optimizer.tell([first], [0.4])
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 1,
        nets: int = 10,
        wider: int = 10,
        deeper: int = 5,
        start: int = 3,
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        self._layers = LayerSpace(space)
        self._widths = self._layers.start(start)
        self._start = self._layers.architecture(self._widths)
        self._nets, self._counts = nets, (wider, deeper)
        self.policy = EditPolicy(self._layers, seed=seed)
        self._adam = torch.optim.Adam(self.policy.parameters(), lr=LEARNING_RATE)
        self._baseline = 0.0
        self._begun = False  # the loss of the start network is told
        self._open: list[tuple[Row, Edits]] = []
        self._episode: list[tuple[float, Edits]] = []

    def parent(self, architecture: Architecture) -> Architecture | None:
        """The network whose weights an edited one inherits: the start network."""
        return None if architecture == self._start else self._start

    def parents(self) -> list[Architecture]:
        """Those that can be a parent."""
        return [self._start]

    def measures(self) -> dict[str, float]:
        """The baseline of the rewards."""
        return {"baseline": self._baseline}

    def made_with(self) -> dict[str, Any]:
        """The settings that a resumed search must share."""
        wider, deeper = self._counts
        return {
            "method.nets": self._nets,
            "method.wider": wider,
            "method.deeper": deeper,
            "method.start": len(self._widths[0]),
        }

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {
            "policy": trained_state(self.policy, self._adam),
            "baseline": self._baseline,
            "begun": self._begun,
            "open": [[list(row), *edits] for row, edits in self._open],
            "episode": [[reward, *edits] for reward, edits in self._episode],
        }

    def _draw(self) -> Architecture:
        if not self._begun:
            return self._start
        edits, widths = draw(self.policy, self._widths, self._layers, self._counts, self._rng)
        architecture = self._layers.architecture(widths)
        self._open.append((_row(architecture), edits))
        del self._open[:-MOST_OPEN]
        return architecture

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        for row, loss in zip(map(tuple, indices.tolist()), losses.tolist(), strict=True):
            self._begun |= row == _row(self._start)
            number = next((i for i, (each, _) in enumerate(self._open) if each == row), None)
            if number is None:
                continue
            _, edits = self._open.pop(number)
            if math.isfinite(loss):
                self._episode.append((tan_reward(loss), edits))
            if len(self._episode) == self._nets:
                self._update()

    def _update(self) -> None:
        """Learn from an episode; the baseline is mostly that of this episode."""
        rewards = torch.tensor([reward for reward, _ in self._episode])
        self._baseline += RATE * (float(rewards.mean()) - self._baseline)
        loss = torch.zeros(())
        for reward, (_, edits) in zip(rewards - self._baseline, self._episode, strict=True):
            log_p, entropy = log_p_and_entropy(self.policy, self._widths, edits)
            loss = loss - (reward * log_p + ENTROPY * entropy) / self._nets
        self._episode = []
        if loss.requires_grad:
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        read = read_trained_state(state["policy"], self.policy)
        baseline, begun = number_in(state, "baseline"), bool(state["begun"])
        still_open = [(tuple(row), Edits(w, d)) for row, w, d in state["open"]]
        episode = [(float(reward), Edits(w, d)) for reward, w, d in state["episode"]]

        def restore() -> None:
            load_trained_state(read, self.policy, self._adam)
            self._baseline, self._begun = baseline, begun
            self._open, self._episode = still_open, episode

        return restore


def _row(architecture: Architecture) -> Row:
    return tuple(architecture.indices.tolist())
