"""A loss for which every call has the same batch, whatever other calls have done to theirs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from pdas.support.containers import Versions, with_own_containers
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.training.candidates import BoundModel, Model
from pdas.training.measures import Loss, Measures


class OwnBatch:
    """Calls a loss with containers of its own.

    A search runs the loss of several architectures on one batch. So each call gets its own lists,
    mappings and other containers, and may change them. Their tensors are shared, since copies would
    cost time, and since architectures share what they compute of the same tensors. One that is
    changed in place is an error. What changes numbers without PyTorch, as in a numpy array, or
    behind its back, as through `tensor.data`, is not seen.

    Args:
        loss: that of the user.

    Example:
        loss = OwnBatch(lambda model, batch: model(batch.pop("x")).mean())
        for model in models:
            loss(model, batch)  # `batch` has its "x" every time
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def __call__(self, model: Model, batch: Any) -> Tensor | Measures:
        """The result of the loss.

        Raises:
            SettingError: a tensor of the batch was changed in place.
        """
        versions = Versions()
        own = with_own_containers(batch, versions.keep, "batch")
        result = self._loss(model, own)
        if changed := versions.changed():
            by = str(model) if isinstance(model, BoundModel) else "a network by itself"
            refuse(
                SettingError,
                "loss",
                found=f"{changed} changed in place when {by} ran",
                expected="tensors that stay as they are, since others learn from the same batch",
                remedy="write x = x * 2 for x.mul_(2), and begin the network, and each candidate "
                "that may be first, with no module that works in place, as ReLU(inplace=True)",
            )
        return result
