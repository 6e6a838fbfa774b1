"""Whether a found architecture is better than random ones, as far as its controls can tell.

Each value is of one training, measured on the same test images. The difference of the means has
Student's interval for two samples of equal variance. With a single training of the found
architecture it does without 0 where that training is outside of the prediction interval of the
random ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

import numpy as np

from pdas.support.metrics import Metric

CONFIDENCE = 0.95


@dataclass(frozen=True)
class AgainstRandom:
    """A found architecture and random ones of its space, trained under the same conditions.

    Attributes:
        metric: in which they are compared; it has a better direction.
        found: its value for each training of the found architecture, at least one.
        controls: its value for each random architecture, at least one.

    Example:
        error = Metric("test_error", "test error", "%", ".2f", "lower")
        AgainstRandom(error, {"retrain-0": 3.1}, {"control-1": 4.0, "control-2": 4.4}).gain
    """

    metric: Metric
    found: Mapping[str, float]
    controls: Mapping[str, float]

    @property
    def gain(self) -> float:
        """By how much the mean of the found one is better than that of the random ones."""
        sign = -1 if self.metric.better == "lower" else 1
        return sign * (mean(self.found.values()) - mean(self.controls.values()))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's interval of the gain, of 95 % confidence.

        None where nothing tells how far random architectures are apart: with one control, or where
        all of them are equal.
        """
        from scipy.stats import t  # slow to import

        if len(set(self.controls.values())) < 2:
            return None
        samples = [np.array(list(each.values())) for each in (self.found, self.controls)]
        freedom = sum(map(len, samples)) - 2
        variance = sum(float(((x - x.mean()) ** 2).sum()) for x in samples) / freedom
        error = sqrt(variance * sum(1 / len(x) for x in samples))
        margin = float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
        return self.gain - margin, self.gain + margin

    @property
    def is_better(self) -> bool | None:
        """Whether the found one is better; None if that is not shown."""
        if self.interval is None:
            return None
        low, high = self.interval
        return True if low > 0 else False if high < 0 else None

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data, the content of `control.json`."""
        values = list(self.controls.values())
        return {
            "metric": self.metric.key,
            "found": dict(self.found),
            "controls": dict(self.controls),
            "mean": mean(values),
            "std": stdev(values) if len(values) > 1 else None,
            "gain": self.gain,
            "gain_interval": None if self.interval is None else list(self.interval),
            "better": self.is_better,
        }

    def text(self) -> str:
        """The answer to "is it better than random?" in a sentence."""
        both = f"{self.metric.text(mean(self.found.values()))} against {self._controls_text()}"
        if self.interval is None:
            count = len(self.controls)
            why = "one control" if count == 1 else "controls that are all equal"
            verb = "says" if count == 1 else "say"
            return f"not known: {both}; {why} {verb} little of how far random ones are apart"
        low, high = map(self.metric.number, self.interval)
        answer = {True: "yes", False: "no, it is worse", None: "not shown"}[self.is_better]
        gain = self.metric.number(self.gain)
        return f"{answer}: {both}; gain {gain}, 95 % interval {low} to {high} (Student's t)"

    def _controls_text(self) -> str:
        values = list(self.controls.values())
        if len(values) == 1:
            return f"{self.metric.text(values[0])} of one random architecture"
        number = self.metric.number
        spread = f"{number(mean(values))} ± {number(stdev(values))} {self.metric.unit}".rstrip()
        return f"{spread} of {len(values)} random architectures"
