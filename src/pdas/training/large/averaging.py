"""The moving average of a network's weights, which a retraining keeps beside the last ones."""

from __future__ import annotations

import copy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from pdas.training.loop import OnStep, Progress


class AveragedWeights:
    """A copy of a module, whose weights and running statistics follow those of the module.

    After each step its numbers are d times what they were, plus 1 - d times those of the module, as
    in `torch.optim.swa_utils`, which would let the host wait for a GPU in each step. The first step
    sets them.

    Args:
        module: in training.
        decay: d, in [0, 1).
        device: of the copy.

    Attributes:
        module: the copy.

    Example:
        averaged = AveragedWeights(module, 0.9999, fabric.device)
        retrain(module, ..., components={"averaged": averaged}, on_step=averaged.following(on_step))
        averaged.module.finished()
    """

    def __init__(self, module: nn.Module, decay: float, device: torch.device) -> None:
        self._source = module
        self._share = 1 - decay
        self._has_begun = False
        self.module: Any = copy.deepcopy(module).to(device).requires_grad_(False)

    def following(self, on_step: OnStep) -> OnStep:
        """What is called after a step: it updates the copy first.

        Args:
            on_step: called then.
        """

        def after(progress: Progress) -> bool | None:
            self._update()
            return on_step(progress)

        return after

    def state_dict(self) -> dict[str, Any]:
        """The averages, and whether there has been a step."""
        return {"module": self.module.state_dict(), "has_begun": self._has_begun}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.module.load_state_dict(state["module"])
        self._has_begun = state["has_begun"]

    @torch.no_grad()
    def _update(self) -> None:
        pairs = list(zip(_numbers(self.module), _numbers(self._source), strict=True))
        # A count, as of batches, has no mean.
        averaged = [pair for pair in pairs if self._has_begun and pair[0].is_floating_point()]
        if averaged:
            own, theirs = map(list, zip(*averaged, strict=True))
            torch._foreach_lerp_(own, theirs, self._share)
        for ours, current in pairs:
            if not (self._has_begun and ours.is_floating_point()):
                ours.copy_(current)
        self._has_begun = True


def _numbers(module: nn.Module) -> chain[Tensor]:
    """All weights and buffers."""
    return chain(module.parameters(), module.buffers())
