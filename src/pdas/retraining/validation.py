"""The validation of a network in training, and the weights that were best in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor, nn

from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import rows_of
from pdas.distributed.ranks import Ranks
from pdas.resume.batches import Loader, one_pass
from pdas.training.measures import numbers

PREFIX = "validation_"  # of the measures
LOSS = f"{PREFIX}loss"


class Validation:
    """Measures a network after each epoch, and keeps the weights with the least loss.

    It is measured in evaluation mode and without gradient. Each measure is the mean over the
    batches, weighted by their sizes. Of several ranks, each measures its share of the batches.

    Args:
        network: in training.
        batches: of the validation set.
        fabric: the devices.

    Attributes:
        best: the weights with the least loss until now.

    Example:
        validation = Validation(network, batches, fabric)
        retrain(module, batches, settings, fabric, validate=validation)
        validation.best.restore()
    """

    def __init__(self, network: nn.Module, batches: Loader, fabric: Fabric) -> None:
        self.best = BestWeights(network)
        self._batches = batches
        self._fabric = fabric

    def __call__(self, module: nn.Module, ranks: Ranks, epoch: int) -> dict[str, float]:
        """The measures with the weights of now, by their names with the prefix "validation_".

        Args:
            module: from a batch to its measures, as set up by Fabric.
            ranks: the processes of the training.
            epoch: that ends now.
        """
        own = islice(one_pass(self._batches), ranks.index, None, ranks.size)
        with evaluation_of(module):
            measured = [self._measured(module, ranks, batch) for batch in own]
        found = weighted_mean(ranks.gather(measured))
        self.best.offer(epoch, found["loss"])
        return {f"{PREFIX}{name}": value for name, value in found.items()}

    @torch.no_grad()
    def _measured(
        self, module: nn.Module, ranks: Ranks, batch: Any
    ) -> tuple[int, dict[str, float]]:
        """The size of a batch, 1 if it has no tensors, and its measures."""
        with ranks.own_random():
            return rows_of(batch) or 1, numbers(module(self._fabric.to_device(batch)))


class BestWeights:
    """The weights of a network at the end of its best epoch.

    Args:
        network: whose parameters and buffers are kept.

    Attributes:
        epoch: the best one; None before the first with a finite loss.
        loss: in that epoch.

    Example:
        best = BestWeights(network)
        best.offer(epoch=1, loss=0.3)
        best.restore()
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._weights: dict[str, Tensor] = {}
        self.epoch: int | None = None
        self.loss = math.inf

    def offer(self, epoch: int, loss: float) -> None:
        """Keep the weights of now if their loss is smaller than that of all before."""
        if loss < self.loss:
            self.epoch, self.loss = epoch, loss
            self._weights = {
                name: tensor.detach().to("cpu", copy=True) for name, tensor in self._tensors()
            }

    @torch.no_grad()
    def restore(self) -> None:
        """Put the kept weights back into the network, if there are any."""
        if self._weights:
            for name, tensor in self._tensors():
                tensor.copy_(self._weights[name])

    def state_dict(self) -> dict[str, Any]:
        """The weights, the epoch and the loss."""
        return {"epoch": self.epoch, "loss": self.loss, "weights": dict(self._weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.epoch, self.loss, self._weights = state["epoch"], state["loss"], state["weights"]

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        # Not those of `state_dict`, which leaves out buffers that are not persistent.
        return chain(self._network.named_parameters(), self._network.named_buffers())


@contextmanager
def evaluation_of(network: nn.Module) -> Iterator[None]:
    """Within it, a network is in evaluation mode; afterwards each module is in its former one."""
    in_training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in in_training:
            module.training = True


def weighted_mean(measured: Iterable[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """The mean of each measure.

    Args:
        measured: a weight and the measures, for each batch. A measure may be missing in some.
    """
    sums: dict[str, float] = {}
    weights: dict[str, int] = {}
    for weight, measures in measured:
        for name, value in measures.items():
            sums[name] = sums.get(name, 0.0) + weight * value
            weights[name] = weights.get(name, 0) + weight
    return {name: total / weights[name] for name, total in sums.items()}
