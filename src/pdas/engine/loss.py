"""What a loss returns: a scalar, or measures with it among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from pdas.engine.candidates import Model
from pdas.engine.training import Measures, number
from pdas.errors import SettingError

Loss = Callable[[Model, Any], "Tensor | Measures"]
"""`loss(model, batch)`: a scalar, or a mapping that has it as "loss" beside other measures."""


def as_measures(loss: Tensor | Measures) -> Measures:
    """What a loss returned, as measures; raises `SettingError` if it is neither."""
    measures = loss if isinstance(loss, Mapping) else {"loss": loss}
    value = measures.get("loss")
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
        where = f" among {sorted(measures)}" if isinstance(loss, Mapping) else ""
        raise SettingError(
            f"loss: found {type(value).__name__}{shape}{where}, expected that loss(model, batch) "
            "returns a scalar tensor, or a mapping that has one as 'loss'; take the mean of several"
        )
    for name, measure in measures.items():
        if not ((isinstance(measure, Tensor) and measure.numel() == 1) or _is_number(measure)):
            raise SettingError(
                f"loss: found {type(measure).__name__} as the measure {name!r}, expected a number "
                "or a tensor of one"
            )
    return measures


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number)


def loss_of(measures: Measures) -> Tensor:
    """The scalar among measures that is run backward."""
    loss = measures["loss"]
    assert isinstance(loss, Tensor)
    return loss.reshape(())


def numbers(measures: Measures) -> dict[str, float]:
    """Measures as plain numbers."""
    return {name: number(value) for name, value in measures.items()}
