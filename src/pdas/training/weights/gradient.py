"""The gradient of all weights: its norm, the clipping, and the overflows of 16 bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from pdas.distributed.devices import loss_scaler
from pdas.distributed.fabric import Fabric
from pdas.support.errors import NonFiniteLossError
from pdas.support.refusals import refuse
from pdas.training.measures import Measures

ALMOST = 0.9  # of the largest norm; nearer to it, the factor may round below 1
SMALLEST_SCALE = 2.0**-10  # of a loss in 16 bits; some 26 overflows below that at the start
_NORM = "norm"


class Gradient:
    """The gradient that backward passes have left, and the update of the weights by it.

    Its norm is on the device, so that it can be read together with what else the host waits for.

    Args:
        fabric: that has set up the network.
        optimizer: as set up by it.
        max_norm: the largest Euclidean norm; the update is scaled to it.

    Attributes:
        norm: its Euclidean norm, as measures; without any gradient there is none.

    Example:
        gradient = Gradient(fabric, optimizer, 5)
        measured, norm = all_numbers([{"loss": loss}, gradient.norm])
        gradient.step(norm)
    """

    def __init__(self, fabric: Fabric, optimizer: Any, max_norm: float) -> None:
        precision: Any = fabric.strategy.precision
        self._scaler = loss_scaler(fabric)
        self._optimizer = optimizer
        self._max_norm = max_norm
        own = optimizer.optimizer
        self._used = [p for p in precision.main_params(own) if p.grad is not None]
        self.norm: Measures = {}
        if self._used:  # a loss scaler would take it for a mistake if there were none
            precision.unscale_gradients(own)
            self.norm = {_NORM: nn.utils.get_total_norm(self._gradients)}

    @property
    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self._used if p.grad is not None]

    def forget(self) -> None:
        """Leave the weights as they are, so that the step can begin anew.

        A loss scaler takes the gradient of a step once, so its step ends here, at its old scale.
        """
        if self._used and self._scaler is not None:
            before = self._scaler.state_dict()
            self._scaler.update()
            self._scaler.load_state_dict(before)

    def step(self, norm: Mapping[str, float]) -> None:
        """Update the weights; without any gradient nothing happens.

        Args:
            norm: the numbers of `norm`.

        Raises:
            NonFiniteLossError: the norm is not finite; the weights are unchanged. In 16-bit
                precision, it stays so however small the loss is scaled.
        """
        if not self._used:
            return
        length = norm[_NORM]
        if not math.isfinite(length):
            _check_overflow(length, self._gradients, self._scaler)
        # Much below, PyTorch would multiply all of them by 1.
        if not length < ALMOST * self._max_norm:
            on_device = self.norm[_NORM]
            assert isinstance(on_device, Tensor)
            nn.utils.clip_grads_with_norm_(self._used, self._max_norm, on_device)
        self._optimizer.step()


def _check_overflow(length: float, gradients: Sequence[Tensor], scaler: GradScaler | None) -> None:
    """Check that a gradient which is not finite is one that the loss scaler passes over.

    In 16-bit precision some steps overflow, and the scaler halves its scale after each. So the
    scale, which is in every checkpoint, counts them: where it is tiny, it was not too large.
    """
    scale = ""
    if scaler is not None and scaler.is_enabled():
        sees_it = not all(bool(torch.isfinite(each).all()) for each in gradients)
        if sees_it and scaler.get_scale() >= SMALLEST_SCALE:
            return
        scale = f" at a loss scale of {scaler.get_scale():.2g}"
    refuse(
        NonFiniteLossError,
        "gradient",
        found=f"a norm of {length} for finite losses{scale}",
        expected="a finite one",
        remedy="lower the learning rate of the weights",
    )
