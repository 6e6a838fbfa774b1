"""Whether the two halves of the data are of one kind, by what a few batches of each hold.

A batch gives a number for each feature of its tensors: the mean over its examples, how far they
spread, and for labels the share of each. The batches of a half are the sample, not its examples, so
that what is drawn once for a batch, as an augmentation, is no difference between the halves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

LABELS = 1000  # labels from there on are numbers as any others
LARGEST = 5  # differences that are kept
ROUNDING = 1e-6  # of a number that is constant in either half


def features(batch: Any) -> dict[str, float]:
    """What a batch holds, in numbers by name.

    Args:
        batch: tensors with a row for each example, also in tuples, lists, mappings, dataclasses.
            All else is passed over.
    """
    tensors: list[Tensor] = []
    apply_to_collection(batch, Tensor, tensors.append)
    found: dict[str, float] = {}
    for number, tensor in enumerate(tensors, start=1):
        if tensor.ndim and tensor.numel() and not tensor.is_complex():
            # On the CPU, since not every device has double precision.
            found |= _of_tensor(tensor.detach().cpu(), f"tensor {number} of a batch")
    return found


def compare_halves(
    first: Sequence[dict[str, float]], second: Sequence[dict[str, float]]
) -> dict[str, Any] | None:
    """How much further the halves are apart than their batches are among each other.

    Args:
        first: the `features` of some batches of D_W.
        second: of D_theta.

    Returns:
        Plain data: "features", how many were compared; "freedom", the degrees of freedom of the
        errors; "largest", at most 5 differences, that of the most standard errors first: "what" it
        is, "weights" and "theta", its means in either half, and the standard "error" of their
        difference. None if nothing can be compared.
    """
    if min(len(first), len(second)) < 2:
        return None
    names = list(dict.fromkeys(name for each in (*first, *second) for name in each))
    rows = [row for name in names if (row := _difference(name, first, second))]
    rows.sort(key=_standard_errors, reverse=True)
    freedom = len(first) + len(second) - 2
    return {"features": len(rows), "freedom": freedom, "largest": rows[:LARGEST]}


def _of_tensor(tensor: Tensor, name: str) -> dict[str, float]:
    if _are_labels(tensor):
        shares = torch.bincount(tensor.long()) / len(tensor)
        present = shares.nonzero().squeeze(1).tolist()
        return {f"the share of label {i} in {name}": float(shares[i]) for i in present}
    rows = tensor.reshape(len(tensor), -1).double()
    found = {f"the mean of {name}": float(rows.mean())}
    if rows.shape[1] > 1:
        found[f"the spread of {name}"] = float(rows.std(dim=1, correction=0).mean())
    return found


def _are_labels(tensor: Tensor) -> bool:
    if tensor.ndim != 1 or tensor.is_floating_point():
        return False
    return bool(tensor.min() >= 0) and bool(tensor.max() < LABELS)


def _difference(
    name: str, first: Sequence[dict[str, float]], second: Sequence[dict[str, float]]
) -> dict[str, Any] | None:
    """Both means and the standard error of their difference, with one variance (Student)."""
    is_share = name.startswith("the share")  # a label that no example of a batch has
    halves = [
        np.array([each.get(name, 0.0 if is_share else math.nan) for each in half])
        for half in (first, second)
    ]
    if not all(np.isfinite(half).all() for half in halves):
        return None
    weights, theta = (float(half.mean()) for half in halves)
    squares = sum(float(((half - half.mean()) ** 2).sum()) for half in halves)
    variance = squares / (len(first) + len(second) - 2)
    error = math.sqrt(variance * (1 / len(first) + 1 / len(second)))
    if math.isclose(weights, theta, rel_tol=ROUNDING) and not error:
        return None
    return {"what": name, "weights": weights, "theta": theta, "error": error}


def _standard_errors(row: dict[str, Any]) -> float:
    distance = abs(row["weights"] - row["theta"])
    return float(distance / row["error"]) if row["error"] else math.inf
