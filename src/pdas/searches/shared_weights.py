"""What trains the weights that all architectures share, on the devices of a Fabric."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from pdas.distributed.ranks import Ranks
from pdas.methods import Optimizer
from pdas.methods.sampled import Active, SearchStep
from pdas.nn.protocols import ActiveSupernet
from pdas.searches.settings import SearchSettings
from pdas.training.candidates import Candidates
from pdas.training.measures import Loss
from pdas.training.optimizers import weights_with_cosine


@dataclass(frozen=True)
class SharedWeights:
    """The step of a search, what updates the weights in it, and its learning rate."""

    step: SearchStep
    weights: torch.optim.Optimizer
    schedule: LambdaLR


def shared_weights(
    net: nn.Module,
    loss: Loss,
    optimizer: Optimizer,
    settings: SearchSettings,
    fabric: Fabric,
    ranks: Ranks,
    per_epoch: int,
    steps: int,
    theta_samples: int,
) -> SharedWeights:
    """Put a supernet on the devices, ready to be trained for so many steps."""
    weights, schedule = weights_with_cosine(net, settings, per_epoch, steps)
    wrapped, weight_optimizer = fabric.setup(Candidates(net.train()), weights)
    step = SearchStep(
        fabric,
        wrapped,
        loss,
        optimizer,
        weight_optimizer,
        clip=settings.clip,
        accumulate=settings.accumulate,
        resample=settings.resample,
        theta_samples=theta_samples,
        theta_mode=settings.theta_mode,
        active=active_of(net) if settings.mask_inactive else None,
        ranks=ranks,
    )
    return SharedWeights(step, weights, schedule)


def active_of(net: nn.Module) -> Active | None:
    """Which variables an architecture uses, if the network tells."""
    return net.active if isinstance(net, ActiveSupernet) else None


def precision_of(fabric: Fabric) -> str:
    """As it is named where a Fabric is made."""
    return str(fabric.strategy.precision.precision)
