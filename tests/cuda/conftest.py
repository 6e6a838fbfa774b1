"""What must hold on a GPU. `make test-cuda` runs it; PDAS_TEST_CUDA_ON=cpu runs it on the CPU.

The CPU shows that these tests can pass, and that nothing but CUDA is missing where they skip.
"""

from __future__ import annotations

import os

import pytest
import torch

# cuBLAS reads it when it is first used, which is before the first deterministic training here.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@pytest.fixture(scope="session")
def device() -> str:
    """The type of the device: "cuda", or "cpu" where that is asked for."""
    if os.environ.get("PDAS_TEST_CUDA_ON") == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        pytest.skip("no CUDA here; PDAS_TEST_CUDA_ON=cpu runs these tests on the CPU")
    return "cuda"


@pytest.fixture(params=["32-true", "bf16-mixed", "16-mixed"])
def precision(request: pytest.FixtureRequest, device: str) -> str:
    """Each precision that the device has."""
    if request.param == "16-mixed" and device == "cpu":
        pytest.skip("CPUs have no 16-mixed")
    if request.param == "bf16-mixed" and device == "cuda" and not torch.cuda.is_bf16_supported():
        pytest.skip("this GPU has no bfloat16")
    return str(request.param)
