"""Running out of memory, on any device, as an error of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from pdas.distributed.micro_batches import rows_of
from pdas.support.errors import OutOfMemoryError, reason
from pdas.training.settings import TrainingSettings

_TEXTS = (
    "out of memory",  # CUDA, HIP, MPS
    "can't allocate memory",  # CPUs
    "not enough memory",
    "Invalid buffer size",  # MPS, where a single tensor is too large
    "_ALLOC_FAILED",  # the status of cuDNN, cuBLAS, cuFFT, cuSOLVER, hipBLAS
    "Unable to find a valid cuDNN algorithm",  # of all that were tried, none got its workspace
    "miopenStatusAllocFailed",
    "Memory not available to allocate buffer",  # MIOpen
    "rocblas_status_memory_error",
    "hipErrorOutOfMemory",
)


@contextmanager
def enough_memory(line: Callable[[], str]) -> Iterator[None]:
    """Within it, running out of memory is an `OutOfMemoryError`.

    Args:
        line: returns what did not fit, and a remedy.

    Raises:
        OutOfMemoryError: an allocator had no memory left.

    Example:
        with enough_memory(lambda: "the images do not fit; use fewer"):
            images = torch.empty(10**6, 3, 32, 32)
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"memory: {line()} ({reason(error)})") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is that of an allocator: of Python, the CPU or a device."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return not isinstance(error, OutOfMemoryError)  # this has its line already
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _TEXTS)


def enough_for_step(
    stage: str, step: int, batch: Any, settings: TrainingSettings
) -> AbstractContextManager[None]:
    """`enough_memory` for a step of the stage "search" or "retrain".

    Args:
        stage: the group of its settings in a recipe.
        step: its number, from 1.
        batch: that of this rank.
        settings: of the stage.
    """
    return enough_memory(lambda: batch_too_large(stage, step, rows_of(batch), settings))


def batch_too_large(stage: str, step: int, rows: int, settings: TrainingSettings) -> str:
    """The line that says that a step does not fit, and which setting to change."""
    most = rows // settings.smallest_part
    finer = [parts for parts in range(settings.accumulate + 1, most + 1) if rows % parts == 0]
    parts = f" in {settings.accumulate} parts" if settings.accumulate > 1 else ""
    remedy = (
        f"set {stage}.accumulate={finer[0]}, which runs it in as many parts, or lower "
        f"{stage}.batch_size"
        if finer
        else "use a smaller network, or another device"
    )
    return f"step {step} with a batch of {rows}{parts} does not fit; {remedy}"
