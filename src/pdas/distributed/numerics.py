"""How a device computes: in full float32 or with TF32, and the same twice or as fast as it can."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from pdas.distributed.settings import DeviceSettings
from pdas.support.errors import SettingError, reason
from pdas.support.refusals import refusal

AMPERE = 8  # the first generation of NVIDIA GPUs with TF32


@contextmanager
def numerics(settings: DeviceSettings) -> Iterator[None]:
    """Within it, devices compute as the settings say.

    Raises:
        SettingError: an operation of the network has no deterministic version.

    Example:
        with numerics(DeviceSettings(deterministic=True)):
            train()
    """
    has_cuda = torch.cuda.is_available()
    with tf32(settings.tf32) if has_cuda else nullcontext(), determinism(settings):
        yield


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Within it, convolutions and products of float32 on CUDA may round their inputs to TF32.

    Args:
        allowed: whether they may. PyTorch's own default is that convolutions may, products not.
    """
    # PyTorch has newer flags by operation. Once one of those is set it refuses to read these two,
    # as Fabric, `torch.backends.cudnn.flags` and its compiler do.
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = allowed
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before[0]
        torch.set_float32_matmul_precision(before[1])


def uses_tf32(settings: DeviceSettings, device: torch.device) -> bool:
    """Whether a device computes with TF32 under these settings: only newer GPUs have it."""
    if device.type != "cuda" or not settings.tf32:
        return False
    return torch.cuda.get_device_capability(device)[0] >= AMPERE


@contextmanager
def determinism(settings: DeviceSettings) -> Iterator[None]:
    """Within it, computations are deterministic, if the settings say so.

    See "Reproducibility" in torch's documentation.

    Raises:
        SettingError: an operation of the network has no deterministic version.
    """
    if not settings.deterministic:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is else random
    utilities: Any = torch.utils.deterministic
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    filled = utilities.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    utilities.fill_uninitialized_memory = False  # a launch for each new tensor; none is read before
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise refusal(
            SettingError,
            "device.deterministic",
            found="true",
            expected=f"false on this device ({reason(error)})",
            remedy="change it, or use another network or device",
        ) from error
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
        utilities.fill_uninitialized_memory = filled
