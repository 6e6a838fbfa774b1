"""What a network must beat to have learned something: the best output that is always the same.

For a classifier that is the share of each class, for a regression the mean of the targets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pdas.engine.candidates import Model
from pdas.engine.measures import Loss, as_measures, loss_of

_log = logging.getLogger(__name__)

ITERATIONS = 50  # of L-BFGS


class ConstantOutput(nn.Module):
    """A model whose output is the same for every example.

    Args:
        like: an output `(examples, ...)` of the network.
    """

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros_like(like[0], dtype=torch.float32))

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The output for as many examples as the first input has."""
        first = next(x for x in (*inputs, *named.values()) if isinstance(x, Tensor))
        return self.value.expand(len(first), *self.value.shape)


class _Watched(nn.Module):
    """A model of which the last output is kept."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self.output: Any = None

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.output = self._model(*inputs, **named)
        return self.output


def constant_losses(loss: Loss, batches: Sequence[Any], model: Model) -> list[float] | None:
    """The loss of the best constant output on each batch; None if the loss takes no such model.

    model: one whose outputs tell what an output looks like.
    """
    watched = _Watched(model)
    try:
        with torch.no_grad():
            loss(watched, batches[0])
        constant = ConstantOutput(watched.output)
        with torch.enable_grad():
            _fit(constant, lambda: torch.stack(_losses(loss, constant, batches)).mean())
        with torch.no_grad():
            return [float(each) for each in _losses(loss, constant, batches)]
    except Exception as error:  # of a loss that asks more of its model, or another kind of output
        _log.debug("search: no constant output fits this loss", exc_info=error)
        return None


def _losses(loss: Loss, model: Model, batches: Sequence[Any]) -> list[Tensor]:
    return [loss_of(as_measures(loss(model, batch))) for batch in batches]


def _fit(constant: ConstantOutput, mean: Callable[[], Tensor]) -> None:
    """Bring the constant to the least mean loss."""
    lbfgs = torch.optim.LBFGS(
        constant.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        lbfgs.zero_grad()
        value = mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    lbfgs.step(closure)  # type: ignore[no-untyped-call]
