"""How often losses that are told together tie: such losses teach an optimizer of ranks nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from pdas.methods.base import Active
from pdas.methods.optimizer import count_in
from pdas.methods.proposals import network_of
from pdas.space import Architecture

ROUNDING = 1e-6  # of a loss: what single precision leaves open after a sum over a batch


class Ties:
    """Counts the losses of different networks that are told, and those that tie among them.

    An architecture that is drawn twice counts once, since its losses are equal by nature.

    Args:
        active: the variables that an architecture uses. Architectures that differ only in the
            others are the same network.

    Example:
        ties = Ties()
        ties.add(architectures, [0.25, 0.25])
        ties.share  # 1.0
    """

    def __init__(self, active: Active | None = None) -> None:
        self._active = active
        self._losses = 0
        self._tied = 0

    @property
    def share(self) -> float | None:
        """The share of losses that tie with another one of their step; None before any is told."""
        return self._tied / self._losses if self._losses else None

    def add(self, architectures: Sequence[Architecture], losses: Sequence[float]) -> None:
        """Count the losses of a step.

        Args:
            architectures: that are told together.
            losses: one for each. Those that are not finite do not count.
        """
        networks = {
            network_of(architecture, self._active): loss
            for architecture, loss in zip(architectures, losses, strict=True)
            if math.isfinite(loss)
        }
        if len(networks) < 2:
            return
        ranked = sorted(networks.values())
        with_next = [math.isclose(a, b, rel_tol=ROUNDING) for a, b in pairwise(ranked)]
        self._losses += len(ranked)
        self._tied += sum(
            before or after
            for before, after in zip([False, *with_next], [*with_next, False], strict=True)
        )

    def state_dict(self) -> dict[str, int]:
        """Both counts."""
        return {"losses": self._losses, "tied": self._tied}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from `state_dict`."""
        self._losses, self._tied = count_in(state, "losses"), count_in(state, "tied")
