"""Memory that runs out, on whatever device, as one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from pdas.distributed.micro_batches import rows_of
from pdas.support.errors import OutOfMemoryError, reason
from pdas.training.settings import TrainingSettings

_TEXTS = ("out of memory", "can't allocate memory", "not enough memory")  # of MPS, and of CPUs


@contextmanager
def enough_memory(line: Callable[[], str]) -> Iterator[None]:
    """Raise `OutOfMemoryError` where memory runs out meanwhile; `line` tells for what."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"memory: {line()} ({reason(error)})") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is that of an allocator: of Python, the CPU or a device."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return not isinstance(error, OutOfMemoryError)  # that has been said
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _TEXTS)


def enough_for_step(
    stage: str, step: int, batch: Any, settings: TrainingSettings
) -> AbstractContextManager[None]:
    """`enough_memory` for a step of the stage "search" or "retrain" on this rank's batch."""
    return enough_memory(lambda: batch_too_large(stage, step, rows_of(batch), settings))


def batch_too_large(stage: str, step: int, rows: int, settings: TrainingSettings) -> str:
    """That a step does not fit, and what to lower."""
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
