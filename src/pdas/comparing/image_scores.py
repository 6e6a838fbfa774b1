"""What test images say about a difference: the scores of two results, image by image.

Intervals over trainings say how sure a difference is on these images. Whether it holds for others
of their kind is another question, for which the images are the sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import inf, sqrt

import numpy as np

from pdas.runs.run import Run
from pdas.support.arrays import FloatArray
from pdas.support.metrics import SCORES, Metric
from pdas.support.opening import read_arrays

ERRORS = 1.96  # standard errors, for 95 % confidence


@dataclass(frozen=True)
class ImageDifference:
    """The difference of two results over test images.

    Attributes:
        images: their number.
        mean: of the first minus the second.
        error: the standard error of the mean.

    Example:
        ImageDifference(images=400, mean=-0.85, error=0.44).is_told  # False
    """

    images: int
    mean: float
    error: float

    @property
    def least(self) -> float:
        """The least difference that so many images tell."""
        return ERRORS * self.error

    @property
    def is_told(self) -> bool:
        """Whether the images tell it."""
        return abs(self.mean) > self.least

    @property
    def needed(self) -> float:
        """About how many images would tell it: the error falls as the root of their number."""
        return self.images * (self.least / self.mean) ** 2 if self.mean else inf


def image_difference(
    metric: Metric, first: Iterable[Run], second: Iterable[Run]
) -> ImageDifference:
    """The difference in a metric that is a mean over test images.

    Args:
        metric: that is compared.
        first: retrainings, over which the scores of an image are averaged.
        second: those with which they are compared.

    Raises:
        RunError: the scores of a retraining are missing or damaged.
        ValueError: they are of other images.
    """
    differences = _scores(metric, first) - _scores(metric, second)
    images = len(differences)
    error = float(differences.std(ddof=1)) / sqrt(images) if images > 1 else inf
    return ImageDifference(images, float(differences.mean()), error)


def _scores(metric: Metric, retrainings: Iterable[Run]) -> FloatArray:
    """The scores of each test image, a mean over retrainings: `(N,)`."""
    read = partial(read_arrays, names=(metric.key,))
    values = [np.asarray(each.read(SCORES, read)[metric.key], float) for each in retrainings]
    mean: FloatArray = np.stack(values).mean(axis=0)
    return mean
