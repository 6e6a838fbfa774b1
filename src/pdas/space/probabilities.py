"""A distribution over a space as people write it, `{name: probabilities}`, and as an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pdas.space.search_space import SearchSpace
from pdas.space.variables import Categorical
from pdas.support.arrays import FloatArray
from pdas.support.errors import SpaceError, short, shortened
from pdas.support.refusals import refuse

Probabilities = Mapping[str, Sequence[float] | FloatArray]


def probability_array(space: SearchSpace, probabilities: Probabilities) -> FloatArray:
    """The probabilities of every category of every variable, as one array.

    Args:
        space: the search space.
        probabilities: of each variable by its name, K_i numbers that sum to one.

    Returns:
        Shape (sum K_i,), variable after variable.

    Raises:
        SpaceError: if a variable is missing or unknown, or its numbers are not that.
    """
    _check_names(space, probabilities)
    return np.concatenate([_checked(v, probabilities[v.name]) for v in space.variables])


def _check_names(space: SearchSpace, probabilities: object) -> None:
    if not isinstance(probabilities, Mapping):
        refuse(
            SpaceError,
            "probabilities",
            found=type(probabilities).__name__,
            expected="a mapping of variables to probabilities",
            remedy="give {name: [...], ...}",
        )
    missing = [name for name in space if name not in probabilities]
    unknown = [name for name in probabilities if name not in space]
    found = [
        f"{problem} {shortened(names)}"
        for problem, names in (("missing", missing), ("unknown", unknown))
        if names
    ]
    if found:
        refuse(
            SpaceError,
            "probabilities",
            found=f"variables {' and '.join(found)}",
            expected=f"exactly {shortened(space.names)}",
            remedy="add, rename or leave out those",
        )


def _checked(variable: Categorical, values: Sequence[float] | FloatArray) -> FloatArray:
    """The values as an array of shape (K_i,)."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    K = len(variable.categories)
    fits = array.shape == (K,) and bool((array >= 0).all())
    if not fits or not abs(array.sum() - 1) < 1e-6:
        refuse(
            SpaceError,
            f"probabilities of variable {variable.name!r}",
            found=short(values),
            expected=f"{K} probabilities that sum to one",
            remedy="give one for each of its categories, divided by their sum",
        )
    return array
