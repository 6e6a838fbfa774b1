"""The measures of a loss: a scalar, or several numbers by name; and their means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.training.candidates import Model

Measures = Mapping[str, Tensor | float]
"""Numbers by name. One of them is "loss"."""

Loss = Callable[[Model, Any], "Tensor | Measures"]
"""`loss(model, batch)`: a scalar tensor, or a mapping of "loss" and other measures."""


def check_loss(loss: object) -> None:
    """Check that a loss can be called.

    Raises:
        SettingError: it cannot.
    """
    if not callable(loss):
        refuse(
            SettingError,
            "loss",
            found=type(loss).__name__,
            expected="a function loss(model, batch) that calls the model",
        )


def as_measures(loss: Tensor | Measures) -> Measures:
    """The result of a loss as measures.

    Args:
        loss: what `loss(model, batch)` returned.

    Returns:
        A mapping whose "loss" is a tensor of one number.

    Raises:
        SettingError: it is neither a scalar tensor nor such a mapping.
    """
    measures = loss if isinstance(loss, Mapping) else {"loss": loss}
    value = measures.get("loss")
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
        where = f" among {sorted(measures)}" if isinstance(loss, Mapping) else ""
        refuse(
            SettingError,
            "loss",
            found=f"{type(value).__name__}{shape}{where}",
            expected="that loss(model, batch) returns a scalar tensor, or a mapping that has one "
            "as 'loss'",
            remedy="take the mean of several",
        )
    for name, measure in measures.items():
        if not ((isinstance(measure, Tensor) and measure.numel() == 1) or is_number(measure)):
            found = f"{type(measure).__name__} as the measure {name!r}"
            refuse(SettingError, "loss", found=found, expected="a number or a tensor of one")
    return measures


def is_number(value: object) -> bool:
    """Whether a measure is a plain number."""
    return isinstance(value, int | float | np.number)


def loss_of(measures: Measures) -> Tensor:
    """The "loss" of measures, a tensor of shape `()`, which is run backward."""
    loss = measures["loss"]
    assert isinstance(loss, Tensor)
    return loss.reshape(()) if loss.dim() else loss  # a view would be a node more in the graph


def numbers(measures: Measures) -> dict[str, float]:
    """Measures as plain numbers."""
    return all_numbers([measures])[0]


def all_numbers(measured: Sequence[Measures]) -> list[dict[str, float]]:
    """Several measures as plain numbers, for which the host waits for a device once.

    Args:
        measured: each by itself, as those of the architectures of a step.
    """
    tensors: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for measures in measured:
        for value in measures.values():
            if isinstance(value, Tensor):
                tensors.setdefault((value.device, value.dtype), []).append(value.reshape(()))
    with torch.no_grad():  # by kind, since a common dtype might round
        read = {kind: iter(torch.stack(values).tolist()) for kind, values in tensors.items()}
    return [
        {
            name: float(
                next(read[value.device, value.dtype]) if isinstance(value, Tensor) else value
            )
            for name, value in measures.items()
        }
        for measures in measured
    ]


def detached(measures: Measures) -> Measures:
    """Measures without what is kept for a backward pass."""
    return {
        name: value.detach() if isinstance(value, Tensor) else value
        for name, value in measures.items()
    }


def error_of(measures: Mapping[str, float]) -> float:
    """What methods are told that learn from a reward: 1 - accuracy, or the loss without one.

    Args:
        measures: of an architecture.

    Returns:
        Infinity where the loss is not finite, whatever accuracy such outputs seem to have.
    """
    if not math.isfinite(measures["loss"]):
        return math.inf
    return 1 - measures["accuracy"] if "accuracy" in measures else measures["loss"]


class RunningMean:
    """The mean of each measure, over as many values as were added.

    Example:
        mean = RunningMean()
        mean.add({"loss": 1.0})
        mean.add({"loss": 3.0})
        mean.values()  # {"loss": 2.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, measures: Measures) -> None:
        """Add one value of each measure, a number or a tensor of one."""
        for name, value in numbers(measures).items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def values(self) -> dict[str, float]:
        """The mean of each measure."""
        return {name: total / self._counts[name] for name, total in self._sums.items()}

    def state_dict(self) -> dict[str, Any]:
        """The sums and counts as plain data."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])

    def clear(self) -> None:
        """Forget all values, as at the start of an epoch."""
        self._sums, self._counts = {}, {}
