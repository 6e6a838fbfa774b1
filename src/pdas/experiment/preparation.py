"""What comes before the stages of an experiment: devices and data are opened, a search prepared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pdas.distributed.devices import check_samples, open_fabric
from pdas.distributed.exchange.messages import rank_zero_first
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import check_equal_parts
from pdas.experiment.latency import latencies_of, typical
from pdas.kernels import choose_kernels
from pdas.nn.counting.latencies import Latencies
from pdas.nn.counting.latency_measurement import LatencyMeasurement
from pdas.nn.protocols import check_shares_weights
from pdas.searches.method import method_for
from pdas.space import Architecture
from pdas.tasks.base import OpenedTask
from pdas.tasks.constraints import Costs, limits_of, penalty_of
from pdas.tasks.loading import open_task
from pdas.tasks.recipe import Recipe
from pdas.training.memory import enough_memory

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod
    from pdas.methods.constraints.penalty import Penalty


@dataclass(frozen=True)
class Opened:
    """The devices of an experiment, and its task with the data on them.

    Example:
        open_all(recipes.load("digits"), None, download=False).task.space
    """

    fabric: Fabric
    task: OpenedTask

    @property
    def fingerprints(self) -> dict[str, str]:
        """What tells whether the images are the same, by name."""
        return {
            "training_images": self.task.training_images.fingerprint(),
            "test_images": self.task.test_images.fingerprint(),
        }


@dataclass(frozen=True)
class Prepared:
    """What a search needs, checked.

    Attributes:
        method: with the limits in it.
        penalty: of the recipe.
        batches: of D_W and of D_theta.
        network: the supernet; None if the method does not train.
        latencies: what was measured for a limit or a penalty; None if neither is of the latency.

    Example:
        prepare(recipe, 0, open_all(recipe, None, download=False), Path("runs/digits-0")).method
    """

    method: SearchMethod
    penalty: Penalty | None
    batches: tuple[Any, Any]
    network: nn.Module | None
    latencies: Latencies | None


def open_all(recipe: Recipe, data_dir: Path | None, download: bool) -> Opened:
    """Open the devices and load the data of a recipe.

    Rank 0 loads the data before the other ranks, so that a cache of it is made once.

    Args:
        download: whether a data set may be written into `data_dir`.

    Raises:
        DataError, SettingError: see `open_task`.
        OutOfMemoryError: the images do not fit.
    """
    fabric = open_fabric(recipe.device)
    with (
        enough_memory(lambda: "the images do not fit; lower data.image_size"),
        rank_zero_first(fabric),
    ):
        task = open_task(recipe, data_dir, fabric.device, download)
    return Opened(fabric, task)


def prepare(recipe: Recipe, seed: int, opened: Opened, out: Path) -> Prepared:
    """Make what a search needs; whatever can be refused before it begins is refused here.

    Args:
        seed: of the batches, of the weights of the supernet and of the method.
        opened: of the recipe.
        out: the run directory, which keeps latencies if the search is resumed.

    Raises:
        SettingError, DataError: a setting does not fit the data or the devices.
        OutOfMemoryError: the supernet does not fit.
    """

    @cache  # built only if the method trains, or for the costs of a limit or a penalty
    def supernet() -> nn.Module:
        torch.manual_seed(seed)
        with enough_memory(lambda: "the supernet does not fit; lower network.channels"):
            return recipe.search.method.network(opened.task.supernet())

    settings, task = recipe.search, opened.task
    if settings.method.trains:
        check_samples("samples", settings.samples, recipe.device.ranks)
    batches = task.search_batches(seed)
    costs = Costs(supernet, task.search_example, lambda: _latencies(supernet(), opened, out))
    limits, penalty = limits_of(settings, costs), penalty_of(settings, costs)
    method = method_for(task.space, None, settings, limits, penalty, seed, task.baseline)
    task.check_retraining(None if method.trains else method.best())
    network = supernet() if method.trains else None
    if method.trains_weights:
        check_shares_weights(network)
    return Prepared(method, penalty, batches, network, costs.latencies)


def _latencies(supernet: Any, opened: Opened, out: Path) -> Latencies:
    """Those of the derived networks for an example image, on the device."""
    task, fabric = opened.task, opened.fabric
    derive, x = task.derive(), fabric.to_device(typical(task.search_example))

    def on_device(architecture: Architecture) -> nn.Module:
        return derive(architecture).to(fabric.device)

    measurement = LatencyMeasurement(supernet, x, derive=on_device)
    return latencies_of(out, fabric, lambda: measurement.run(math.inf))


def check_batches(recipe: Recipe) -> None:
    """Check the batches of both stages.

    Raises:
        SettingError: a batch cannot be divided among ranks, or into parts.
    """
    search, retrain = recipe.search, recipe.retrain
    check_equal_parts("search", search.batch_size, accumulate=search.accumulate)
    check_equal_parts(
        "retrain",
        retrain.batch_size,
        ranks=recipe.device.ranks,
        accumulate=retrain.accumulate,
        smallest=retrain.smallest_part,
    )


def set_kernels(
    network: nn.Module | None, recipe: Recipe, device: torch.device, *, retraining: bool = False
) -> str | None:
    """Set a network to the operators that it will use.

    Args:
        network: None for none.
        recipe: with the settings of the device.
        device: that the network will run on.
        retraining: whether it is retrained, and not searched.

    Returns:
        Which, for the record of a run; None if it has no choice of them.
    """
    if network is None:
        return None
    obstacle = recipe.device.kernels_obstacle(retraining=retraining)
    kernels = choose_kernels(network, recipe.device.kernels, device, obstacle)
    return str(kernels) if kernels else None
