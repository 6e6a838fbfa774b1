"""The best constant output. A network that has learned something has a smaller loss.

For a classifier it is the share of each class, for a regression the mean of the targets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pdas.support.errors import PdasError
from pdas.training.candidates import Model
from pdas.training.measures import Loss, as_measures, loss_of
from pdas.training.memory import is_out_of_memory

_log = logging.getLogger(__name__)

ITERATIONS = 50  # of L-BFGS
POWERS = range(-9, 13)  # of ten: the sizes of an output that are tried
LARGEST = 10.0 ** POWERS[-1]  # the best one if the loss has no minimum


class ConstantOutput(nn.Module):
    """A model whose output is the same for every example.

    Args:
        like: an output `(examples, ...)` of the network.

    Attributes:
        value: a parameter with the shape of an output; the output is `size * value`.
        size: a plain number.

    Example:
        constant = ConstantOutput(torch.zeros(32, 10))
        constant(torch.zeros(8, 3, 28, 28)).shape  # (8, 10)
    """

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros_like(like[0], dtype=torch.float32))
        self.size = 1.0

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The constant for each example of the first input, `(examples, ...)`."""
        first = next(x for x in (*inputs, *named.values()) if isinstance(x, Tensor))
        return (self.size * self.value).expand(len(first), *self.value.shape)


class _Watched(nn.Module):
    """A model whose last output is kept."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self.output: Any = None

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.output = self._model(*inputs, **named)
        return self.output


def constant_losses(loss: Loss, batches: Sequence[Any], model: Model) -> list[float] | None:
    """The loss of the best constant output on each batch.

    Args:
        loss: that of the search.
        batches: on the device.
        model: any model; its output shows the shape of an output.

    Returns:
        A loss for each batch. None if there is no best constant output: the loss may need more than
        an output, or have no minimum. An example is a loss of log-probabilities, which only the
        softmax of a network keeps bounded.
    """
    watched = _Watched(model)
    try:
        with torch.no_grad():
            loss(watched, batches[0])
        constant = ConstantOutput(watched.output)
        with torch.enable_grad():
            found = _fit(constant, lambda: torch.stack(_losses(loss, constant, batches)).mean())
        if not found:
            _log.info("search: no constant output is the best")
            return None
        with torch.no_grad():
            return [float(each) for each in _losses(loss, constant, batches)]
    except PdasError:  # not for want of a constant output, as a batch that is changed in place
        raise
    except Exception as error:  # a loss that needs more of its model, or an output of another type
        if is_out_of_memory(error):
            raise
        _log.info("search: no constant output fits this loss")
        _log.debug("search: the loss of a constant output failed", exc_info=error)
        return None


def _losses(loss: Loss, model: Model, batches: Sequence[Any]) -> list[Tensor]:
    return [loss_of(as_measures(loss(model, batch))) for batch in batches]


def _fit(constant: ConstantOutput, mean: Callable[[], Tensor]) -> bool:
    """Fit the constant to the least mean loss; False if the loss has no minimum.

    L-BFGS has absolute tolerances, so `size` and the scaling of the loss bring all numbers near 1,
    whatever the size of the targets.
    """
    least = _to_size(constant, mean)
    if constant.size == LARGEST:
        return False
    lbfgs = torch.optim.LBFGS(
        constant.parameters(),
        max_iter=ITERATIONS,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        lbfgs.zero_grad()
        value = mean() / (abs(least) or 1)  # 1 where the least loss is 0
        value.backward()  # type: ignore[no-untyped-call]
        return value

    lbfgs.step(closure)  # type: ignore[no-untyped-call]
    return True


def _to_size(constant: ConstantOutput, mean: Callable[[], Tensor]) -> float:
    """Set `size` to the power of ten with the least loss along the negative gradient at 0.

    Tried are steps whose largest entry is a power of ten. `value` is 0 again afterwards. The loss
    after the best step is returned.
    """
    at_zero = mean()
    (gradient,) = torch.autograd.grad(at_zero, [constant.value])
    size, least = 1.0, float(at_zero.detach())
    if not gradient.any():
        return least
    with torch.no_grad():
        constant.value.copy_(-gradient / gradient.abs().max())
        for power in POWERS:
            constant.size = 10.0**power
            loss = float(mean())
            if loss < least:
                size, least = constant.size, loss
        constant.size = size
        constant.value.zero_()
    return least
