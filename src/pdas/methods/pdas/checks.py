"""What PDAS refuses: settings out of range, and arguments of `tell` that do not fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdas.space import SearchSpace
from pdas.support.arrays import BoolArray, FloatArray, IntArray
from pdas.support.errors import NonFiniteLossError, OptimizerError, SettingError, short
from pdas.support.refusals import check_integer, check_positive, is_finite, refuse

MOST_SAMPLES = 10_000


def check_settings(
    space: object, seed: object, samples: object, eta: object, alpha: object, eta_scale: object
) -> None:
    """Check the arguments of `PDAS`, which its docstring describes.

    Raises:
        SettingError: if one of them is out of range.
    """
    if not isinstance(space, SearchSpace):
        refuse(
            SettingError,
            "space",
            found=type(space).__name__,
            expected="a SearchSpace",
            remedy="give net.space, or pdas.SearchSpace({...})",
        )
    check_integer("seed", seed, 0, "give 0 or 1")
    check_integer("samples", samples, 2, "leave it out for the paper's 2", most=MOST_SAMPLES)
    is_constant = is_finite(eta) and eta > 0  # type: ignore[operator]
    if eta not in ("adaptive", "fixed") and not is_constant:
        refuse(
            SettingError,
            "eta",
            found=short(eta),
            expected="'adaptive', 'fixed' or a number above 0",
            remedy="leave it out for the paper's adaptive one",
        )
    check_positive("alpha", alpha, "leave it out for the paper's 1.5")
    if not is_finite(eta_scale) or not 0 < eta_scale <= 1:  # type: ignore[operator]
        refuse(
            SettingError,
            "eta_scale",
            found=short(eta_scale),
            expected="a number above 0 and at most 1",
            remedy="leave it out for the paper's 1",
        )


def check_active(active: npt.ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    """The mask of the active variables as an array.

    Args:
        active: what `tell` was called with.
        shape: (lambda, D), one row for each architecture.

    Returns:
        Bool, of this shape.

    Raises:
        OptimizerError: if it has another shape or type.
    """
    mask = np.asarray(active)
    if mask.shape != shape or mask.dtype != np.bool_:
        refuse(
            OptimizerError,
            "tell",
            found=f"active of shape {mask.shape} and type {mask.dtype}",
            expected=f"{shape} and bool, one value for each architecture and variable",
            remedy="give np.stack([net.active(a) for a in architectures])",
        )
    return mask


def check_finite(losses: FloatArray, indices: IntArray, step: int) -> None:
    """Check that at least one loss is finite, so that there is something to rank.

    Args:
        losses: shape (lambda,).
        indices: of the architectures, shape (lambda, D), for the message.
        step: for the message.

    Raises:
        NonFiniteLossError: if no loss is finite.
    """
    if not np.isfinite(losses).any():
        refuse(
            NonFiniteLossError,
            f"tell, step {step}",
            found=f"losses {losses.tolist()} for the architectures of indices {indices.tolist()}",
            expected="at least one that is finite",
            remedy="lower the learning rate of the weights or look for what overflows",
        )
