"""theta at the start: probabilities by name, or an architecture."""

from __future__ import annotations

import numpy as np

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.space.categories import starts
from pdas.space.probabilities import Probabilities, probability_array
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError
from pdas.support.refusals import is_finite, refuse


def initial_theta(
    space: SearchSpace, initial: Probabilities | Architecture, confidence: float
) -> FloatArray:
    """theta of the setting `initial` of `PDAS`.

    Args:
        space: the search space.
        initial: `{name: probabilities}`, or an architecture.
        confidence: of an architecture, in [0, 1].

    Returns:
        Shape (sum K_i,), variable after variable.

    Raises:
        SpaceError: if `initial` is of another space, or has numbers that are no probabilities.
        SettingError: if `confidence` is not in [0, 1].
    """
    if isinstance(initial, Architecture):
        return theta_of_architecture(space, initial, confidence)
    return probability_array(space, initial)


def theta_of_architecture(
    space: SearchSpace, architecture: Architecture, confidence: float
) -> FloatArray:
    """theta that mixes an architecture, by `confidence`, with uniform choice.

    Each label of the architecture has confidence + (1 - confidence) / K_i.

    Args:
        space: the search space.
        architecture: of this space.
        confidence: in [0, 1].

    Returns:
        Shape (sum K_i,), variable after variable.

    Raises:
        SpaceError: if the architecture is of another space.
        SettingError: if `confidence` is not in [0, 1].
    """
    check_architecture("initial", architecture, space)
    if not is_finite(confidence) or not 0 <= confidence <= 1:
        expected, remedy = "a number from 0 to 1", "leave it out for 0.5"
        refuse(SettingError, "confidence", found=repr(confidence), expected=expected, remedy=remedy)
    theta: FloatArray = np.repeat((1 - confidence) / space.sizes, space.sizes)
    theta[starts(space.sizes) + architecture.indices] += confidence
    return theta
