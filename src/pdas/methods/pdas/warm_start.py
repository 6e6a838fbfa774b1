"""theta from what a user or a saved state says: probabilities by name, or an architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pdas.space import Architecture, Categorical, SearchSpace, check_architecture
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError, SpaceError, shortened

Probabilities = Mapping[str, Sequence[float] | FloatArray]


def theta_of_probabilities(space: SearchSpace, probabilities: Probabilities) -> FloatArray:
    """theta, shape (D, max K), of `{name: probabilities}` for every variable of the space.

    Raises SpaceError if a variable is missing or unknown, or its values are not K_i probabilities
    that sum to one.
    """
    _check_names(space, probabilities)
    theta = np.zeros((len(space), space.sizes.max()))
    for row, variable in zip(theta, space.variables, strict=True):
        row[: len(variable.categories)] = _checked(variable, probabilities[variable.name])
    return theta


def theta_of_architecture(
    space: SearchSpace, architecture: Architecture, confidence: float
) -> FloatArray:
    """theta, shape (D, max K), that mixes an architecture, by `confidence`, with uniform choice.

    Each label of the architecture has confidence + (1 - confidence) / K_i. Raises SpaceError if
    the architecture is of another space, SettingError if `confidence` is not in [0, 1].
    """
    check_architecture("initial", architecture, space)
    if not 0 <= confidence <= 1:
        raise SettingError(
            f"confidence: found {confidence!r}, expected a number from 0 to 1; leave it out for 0.5"
        )
    categories = np.arange(space.sizes.max())
    K = space.sizes[:, np.newaxis]
    chosen = categories == architecture.indices[:, np.newaxis]
    theta: FloatArray = confidence * chosen + (1 - confidence) / K * (categories < K)
    return theta


def _check_names(space: SearchSpace, probabilities: object) -> None:
    if not isinstance(probabilities, Mapping):
        raise SpaceError(
            f"probabilities: found {type(probabilities).__name__}, expected a mapping of variables "
            "to probabilities; give {name: [...], ...}"
        )
    missing = [name for name in space if name not in probabilities]
    unknown = [name for name in probabilities if name not in space]
    found = [
        f"{problem} {shortened(names)}"
        for problem, names in (("missing", missing), ("unknown", unknown))
        if names
    ]
    if found:
        raise SpaceError(
            f"probabilities: found variables {' and '.join(found)}, expected one entry for each "
            "variable of the space and no other; add, rename or leave out those"
        )


def _checked(variable: Categorical, values: Sequence[float] | FloatArray) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    fits = array.shape == (len(variable.categories),) and bool((array >= 0).all())
    if not fits or not abs(array.sum() - 1) < 1e-6:
        raise SpaceError(
            f"probabilities of variable {variable.name!r}: found {values!r}, expected "
            f"{len(variable.categories)} probabilities that sum to one; give "
            "one for each of its categories, divided by their sum"
        )
    return array
