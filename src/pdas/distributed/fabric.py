"""Lightning Fabric, in half the time of its import.

Fabric asks for the version of torchmetrics by importing it, and with it torchvision, scipy and
matplotlib. It needs only the number, which the metadata of the installed package has too. So while
Fabric is imported a module that holds this number stands in for torchmetrics.

This works where Fabric is first imported from here: the package imports it nowhere else.
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
    """Within it, importing `package` gives its version; afterwards all is as it was."""
    if package in sys.modules:  # the real one costs nothing any more
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


# A version of Fabric that needs more than the number is imported below, with torchmetrics.
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
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.utilities.apply_func import move_data_to_device

__all__ = [
    "DDPStrategy",
    "Fabric",
    "LSFEnvironment",
    "LightningEnvironment",
    "Logger",
    "MPIEnvironment",
    "SLURMEnvironment",
    "TensorBoardLogger",
    "TorchElasticEnvironment",
    "move_data_to_device",
]
