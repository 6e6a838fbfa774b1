"""Running statistics of a network whose weights were not trained with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from pdas.nn.modes import evaluating
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

Call = Callable[[nn.Module, Any], object]


def recalibrate(network: nn.Module, batches: Iterable[Any], call: Call | None = None) -> None:
    """Take the running statistics of all batch norms and instance norms from some batches.

    A derived network with the weights of its supernet has those of before the search, or none. In
    evaluation mode it is then far from what it was in the search. Afterwards each norm has the mean
    of the statistics of the batches. Weights and modes stay as they are.

    Args:
        network: as derived. It is called without gradients; only the norms are in training mode.
        batches: some tens are enough, in the size of training.
        call: runs the network on a batch, as a loss does, `loss(model, batch)`. By default a batch
            is an input, or a tuple or list of which the first is one, or a mapping of inputs by
            name.

    Raises:
        SettingError: there are no batches.

    Example:
        network = net.derive(result.architecture, keep_weights=True)
        pdas.nn.recalibrate(network, loader)
    """
    norms = [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    momenta = [norm.momentum for norm in norms]
    number = 0
    try:
        with evaluating(network):
            for norm in norms:
                norm.training = True
            for number, batch in enumerate(batches, 1):
                for norm in norms:
                    if number == 1:  # without batches they stay
                        norm.reset_running_stats()
                    norm.momentum = 1 / number  # the mean of these batches
                (call or _call)(network, batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if not number:
        refuse(SettingError, "batches", found="none", expected="some, to recalibrate with")


def _call(network: nn.Module, batch: Any) -> object:
    """Run a network on the inputs of a batch."""
    if isinstance(batch, Mapping):
        return network(**batch)
    return network(batch[0] if isinstance(batch, tuple | list) else batch)
