"""How well shared weights rank architectures, compared with a separate training of each.

A search learns from these ranks. Where they agree little, a longer search improves little, and the
separate training of finalists matters most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from torch import nn

from pdas.distributed.devices import check_fabric
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.optimizer import Optimizer
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.proposals import distinct
from pdas.methods.sampled.step import SearchStep
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Derive, Trial
from pdas.resume.batches import Loader, ResumableBatches, one_pass
from pdas.resume.data_sets import Data, DataSet
from pdas.searches.arguments import check_kinds, derive_of, space_of
from pdas.searches.halves import both_halves
from pdas.searches.presets import settings_of
from pdas.space import Architecture
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.training.batch_norm import without_running_statistics
from pdas.training.candidates import Candidates, active_of
from pdas.training.measures import Loss
from pdas.training.own_batch import OwnBatch
from pdas.training.steps import steps_of
from pdas.training.weights.training import WeightTraining

RESAMPLES = 2000  # of the bootstrap


@dataclass(frozen=True)
class Probe:
    """The losses of n architectures on D_theta; smaller is better.

    Attributes:
        architectures: drawn uniformly, within the limit if there is one.
        shared: their losses with the shared weights, `(n,)`.
        own: their losses after separate trainings, `(n,)`.
        correlation: Spearman's rank correlation of both, in [-1, 1].
        interval: its 95 % bootstrap interval.

    Example:
        found = pdas.probe(net, loss, data, epochs=20)
        print(found.correlation, found.interval)
    """

    architectures: list[Architecture]
    shared: FloatArray
    own: FloatArray
    correlation: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"rank correlation {self.correlation:.2f} [{low:.2f}, {high:.2f}] over "
            f"{len(self.architectures)} architectures"
        )


def probe(
    net: nn.Module,
    loss: Loss,
    data: DataSet | tuple[Data, Data],
    *,
    architectures: int = 30,
    own_steps: int | None = None,
    preset: str | None = None,
    settings: SearchSettings | None = None,
    limit: Limit | None = None,
    fabric: Fabric | None = None,
    derive: Derive | None = None,
    seed: int = 0,
    **overrides: Any,
) -> Probe:
    """Train shared weights and single networks, and compare their rankings of architectures.

    Args:
        net: see `pdas.search`, as for all arguments that are not described here.
        loss: see `pdas.search`.
        data: see `pdas.search`.
        architectures: how many are compared, at least 3.
        own_steps: steps of each separate training, on D_W; by default as many as those of the
            shared weights.
        preset: see `pdas.search`.
        settings: their length is that of the shared training, which draws architectures uniformly.
        limit: no architecture above it is drawn.
        fabric: one device.
        derive: see `pdas.search`.
        seed: of all that is drawn, except the weights.
        overrides: single settings by name.

    Returns:
        The losses of the architectures and their rank correlation.

    Raises:
        SettingError: an argument does not fit, see `pdas.search`; the network cannot be derived; or
            there are fewer than 3 architectures.

    Example:
        >>> print(pdas.probe(net, loss, data, epochs=20))  # doctest: +SKIP
        rank correlation 0.71 [0.44, 0.88] over 30 architectures
    """
    space = space_of(net)
    derive = derive_of(net, derive)
    settings = settings_of(settings, preset, None, overrides, derivable=derive is not None)
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    check_fabric(fabric)
    check_kinds(loss, limit, None)
    loss = OwnBatch(loss)
    _check(derive, architectures, own_steps, fabric, net)
    optimizer = PDAS(space, seed=seed, samples=settings.samples)
    sampler = optimizer if limit is None else Limited(optimizer, limit)
    loaders = both_halves(data, settings.batch_size, seed, fabric.device)
    compared, shared = _by_shared_weights(
        net, loss, loaders, sampler, settings, fabric, architectures
    )
    trial = Trial.of_search(loss, loaders, settings, seed, fabric)
    assert derive is not None
    length = own_steps or settings.total_steps(len(loaders[0]))
    networks = (trial.network(derive, each) for each in compared)
    own = [trial(each, None, length, length)[1] for each in networks]
    return _compared(compared, np.array(shared), np.array(own))


def _by_shared_weights(
    net: nn.Module,
    loss: Loss,
    loaders: tuple[Loader, Loader],
    sampler: Optimizer,
    settings: SearchSettings,
    fabric: Fabric,
    architectures: int,
) -> tuple[list[Architecture], list[float]]:
    """Some architectures and their losses, after a training of shared weights."""
    steps, ranks = settings.total_steps(len(loaders[0])), Ranks(fabric)
    weights = WeightTraining(
        Candidates(net), settings, fabric, ranks, steps=steps, per_epoch=len(loaders[0])
    )
    step = SearchStep(
        fabric,
        weights.network,
        loss,
        sampler,
        weights,
        samples=settings.samples,
        accumulate=settings.accumulate,
        theta_mode=settings.theta_mode,
        ranks=ranks,
    )
    with without_running_statistics(net):
        for _, batch in steps_of(ResumableBatches(loaders[0]), steps, 0):
            step(fabric.to_device(batch), None)
            weights.end_step()
        compared = distinct(sampler, architectures, active_of(net))
        return compared, step.losses(compared, map(fabric.to_device, one_pass(loaders[1])))


def _check(
    derive: Derive | None, architectures: int, own_steps: int | None, fabric: Fabric, net: nn.Module
) -> None:
    if derive is None:
        raise SettingError(
            f"net: {type(net).__name__} has no derive(architecture) that makes a network to be "
            "trained by itself; pass derive="
        )
    if not isinstance(architectures, int) or architectures < 3:
        refuse(
            SettingError,
            "architectures",
            found=repr(architectures),
            expected="at least 3 to be ranked",
            remedy="leave it out for 30",
        )
    if own_steps is not None and (not isinstance(own_steps, int) or own_steps < 1):
        refuse(
            SettingError,
            "own_steps",
            found=repr(own_steps),
            expected="at least 1",
            remedy="leave it out for as many as of the shared weights",
        )
    if fabric.world_size > 1:
        refuse(
            SettingError,
            "fabric",
            found=f"{fabric.world_size} processes",
            expected="one",
            remedy="set devices=1",
        )


def _compared(architectures: list[Architecture], shared: FloatArray, own: FloatArray) -> Probe:
    if len(architectures) < 3:
        found = f"{len(architectures)} architectures"
        refuse(SettingError, "net", found=found, expected="at least 3 to be ranked")
    correlation, interval = rank_correlation(shared, own)
    return Probe(architectures, shared, own, correlation, interval)


def rank_correlation(one: FloatArray, other: FloatArray) -> tuple[float, tuple[float, float]]:
    """Spearman's rank correlation, with its 95 % bootstrap interval.

    Args:
        one: values, `(n,)`.
        other: values of the same things, `(n,)`.

    Returns:
        The correlation, and the interval by the percentile method (Efron and Tibshirani, "An
        Introduction to the Bootstrap", 1993, chapter 13).
    """
    rows = np.random.default_rng(0).integers(len(one), size=(RESAMPLES, len(one)))
    # A resample may have equal values only. Its correlation is NaN and is left out.
    low, high = np.nanquantile(_spearman(one[rows], other[rows]), (0.025, 0.975))
    return float(_spearman(one, other)), (float(low), float(high))


def _spearman(one: FloatArray, other: FloatArray) -> FloatArray:
    """Of each row; NaN if all values of a side are equal. A loss that is not finite ranks last."""
    finite = (np.where(np.isfinite(x), x, np.inf) for x in (one, other))
    ranks = [stats.rankdata(x, axis=-1) for x in finite]
    first, second = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    squares = np.square(first).sum(axis=-1) * np.square(second).sum(axis=-1)
    scale = np.where(squares > 0, np.sqrt(squares), np.nan)
    return np.asarray((first * second).sum(axis=-1) / scale)
