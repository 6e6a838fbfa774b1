"""The compiled library in tests: where there is no compiler, tests of it are skipped."""

from __future__ import annotations

import pytest
import torch

from pdas.kernels.gradients import AveragePool, MaxPool, Pointwise, Separable
from pdas.kernels.library import library


def need_library() -> None:
    """Skip a test where the library cannot be had; the first call may compile it."""
    if library().missing:
        pytest.skip(f"no compiled operators: {library().missing}")


def worst(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference relative to the largest expected value; NaN must meet NaN."""
    found, expected = found.detach(), expected.detach()
    assert found.shape == expected.shape
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.isinf(), expected.isinf())
    finite = expected.isfinite()
    if not finite.any():
        return 0.0
    difference = (found - expected)[finite].abs().max()
    return float(difference / expected[finite].abs().max().clamp(min=1e-30))


def is_compiled(x: torch.Tensor) -> bool:
    """Whether a tensor that needs a gradient is from a compiled operator."""
    functions = (Separable, Pointwise, AveragePool, MaxPool)
    return isinstance(x.grad_fn, tuple(function._backward_cls for function in functions))
