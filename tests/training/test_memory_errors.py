"""Memory that runs out is one line that says what to lower."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.settings import SearchSettings
from pdas.nn import Choice, Supernet
from pdas.support.errors import OutOfMemoryError
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.training.memory import batch_too_large, enough_memory, is_out_of_memory
from pdas.training.steps import steps_of

paper_search = partial(pdas.search, preset="paper")

LINE = "the step; lower it"

# What allocators say; of the CPU it is seen to be so below.
ERRORS = [
    MemoryError(),
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ..."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB, max allowed: 9.07 GB)."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"
    ),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate`"),
    RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    RuntimeError("CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB. GPU 0 has ..."),
    RuntimeError("miopenStatusAllocFailed"),
    RuntimeError("Invalid buffer size: 19.45 GB"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 40 bytes."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:24])
def test_what_allocators_raise_is_told_from_other_errors(error: Exception) -> None:
    assert is_out_of_memory(error)
    expected = rf"^memory: {LINE} \(.+\)$"
    with pytest.raises(OutOfMemoryError, match=expected) as caught, enough_memory(lambda: LINE):
        raise error
    assert "\n" not in str(caught.value)
    with pytest.raises(OutOfMemoryError) as again, enough_memory(lambda: "something else"):
        raise caught.value
    assert again.value is caught.value


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes do not match"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate`"),
        ValueError("memory"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, enough_memory(lambda: ""):
        raise error
    assert caught.value is error


def test_a_batch_that_does_not_fit_where_it_is_made_is_one_line() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    class Both:
        def __init__(self) -> None:
            self._batches = batches()

        def __len__(self) -> int:
            return 2

        def __next__(self) -> int:
            return next(self._batches)

    steps = steps_of(Both(), 2, 0)
    assert next(steps)[1] == 1
    with pytest.raises(OutOfMemoryError, match="memory: the next batch does not fit; lower"):
        next(steps)


@pytest.mark.skipif(sys.platform != "linux", reason="where memory can be limited by a limit")
def test_the_allocator_of_the_cpu_says_so() -> None:
    code = (
        "import torch; from pdas.training.memory import *\n"
        "try: torch.empty(2**46)\n"
        "except RuntimeError as error: assert is_out_of_memory(error), error\n"
        "else: raise AssertionError('there were 256 TiB')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("rows", "accumulate", "words"),
    [
        (64, 1, "step 3 with a batch of 64 does not fit; set search.accumulate=2, "),
        (15, 1, "a batch of 15 does not fit; set search.accumulate=3, "),
        (64, 4, "a batch of 64 in 4 parts does not fit; set search.accumulate=8, "),
        (64, 64, "a batch of 64 in 64 parts does not fit; use a smaller network"),
        (1, 1, "a batch of 1 does not fit; use a smaller network"),
    ],
)
def test_the_line_tells_what_to_lower(rows: int, accumulate: int, words: str) -> None:
    line = batch_too_large("search", 3, rows, SearchSettings(accumulate=accumulate))
    assert words in line
    assert ("search.batch_size" in line) == ("accumulate=" in line)


def test_no_part_becomes_smaller_than_it_may() -> None:
    assert "accumulate=2" in batch_too_large("retrain", 1, 4, RetrainSettings())
    assert "accumulate" not in batch_too_large("retrain", 1, 4, RetrainSettings(accumulate=2))


class Large(nn.Module):
    """A device whose memory holds no more than four rows."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 4:
            raise torch.cuda.OutOfMemoryError(f"CUDA out of memory. Tried to hold {len(x)} rows")
        return x


def search(**settings: Any) -> None:
    data = TensorDataset(torch.randn(32, 3), torch.randint(2, (32,)))
    choice = Choice("layer", {"a": nn.Linear(3, 2), "b": nn.Linear(3, 2)})
    net = Supernet(nn.Sequential(Large(), choice))

    def loss(model: Any, batch: Any) -> Tensor:
        return F.cross_entropy(model(batch[0]), batch[1])

    paper_search(net, loss, data, steps=2, batch_size=8, **settings)


def test_a_search_without_the_memory_says_what_helps_and_that_helps() -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        search()
    assert str(caught.value) == (
        "memory: step 1 with a batch of 8 does not fit; set search.accumulate=2, which runs it in "
        "as many parts, or lower search.batch_size (CUDA out of memory. Tried to hold 8 rows)"
    )
    search(accumulate=2)
