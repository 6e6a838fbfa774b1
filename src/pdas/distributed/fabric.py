"""Lightning Fabric, imported in half the usual time.

To know the version of torchmetrics, Fabric imports it, and with it torchvision, scipy and
matplotlib. It needs only the number, which is also in the metadata of the installed package. So
during the import of Fabric, a module with only this number replaces torchmetrics.

This works if this file is the first to import Fabric. The package imports it nowhere else.
"""

# ruff: noqa: E402

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType


@contextmanager
def _only_its_version(package: str) -> Iterator[None]:
    """Within it, `package` is a module with its version alone; afterwards that is removed."""
    if package in sys.modules:  # the real one costs no more time
        yield
        return
    try:
        number = version(package)
    except PackageNotFoundError:
        yield
        return
    stand_in = ModuleType(package)
    stand_in.__version__ = number  # type: ignore[attr-defined]
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        del sys.modules[package]


# If Fabric needs more than the number, this import fails, and the imports below load torchmetrics.
with suppress(ImportError), _only_its_version("torchmetrics"):
    import lightning_fabric  # noqa: F401

from lightning_fabric import Fabric
from lightning_fabric.loggers.logger import Logger
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.lsf import LSFEnvironment
from lightning_fabric.plugins.environments.mpi import MPIEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.plugins.precision.precision import Precision
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from lightning_fabric.utilities.apply_func import move_data_to_device

__all__ = [
    "DDPStrategy",
    "Fabric",
    "LSFEnvironment",
    "LightningEnvironment",
    "Logger",
    "MPIEnvironment",
    "Precision",
    "SLURMEnvironment",
    "SingleDeviceStrategy",
    "TensorBoardLogger",
    "TorchElasticEnvironment",
    "move_data_to_device",
]
