"""Runs of one experiment with several seeds: what they measured, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import mean, stdev
from typing import Any

import numpy as np

from pdas.runs.run import Run
from pdas.space import Architecture, SearchSpace
from pdas.support.metrics import Metric, numbers, with_general
from pdas.tasks.loading import recipe_space
from pdas.tasks.recipe import Recipe
from pdas.tasks.results import metrics_of

_NO_MEASURES = ("seed",)


def compare(recipe: Recipe, runs: Mapping[int, Run]) -> dict[str, Any]:
    """Compare finished runs.

    Args:
        recipe: of all of them.
        runs: by seed; each has the retraining of its seed.

    Returns:
        "seeds"; "measures", see `measures`; "agreement", see `agreement`.

    Raises:
        RunError, SpaceError: a file is missing or damaged.
    """
    space = recipe_space(recipe)
    results = {
        seed: Run(run.path / f"retrain-{seed}").read_json("result.json")
        for seed, run in runs.items()
    }
    architectures = {seed: space.load(run.architecture_file()) for seed, run in runs.items()}
    return {
        "seeds": list(runs),
        "measures": measures(results, metrics_of(recipe.model_dump(mode="json"))),
        "agreement": agreement(space, architectures),
    }


def measures(
    results: Mapping[int, Mapping[str, object]], metrics: Sequence[Metric]
) -> dict[str, Any]:
    """The spread of each number that was measured, by its key.

    A number that no metric describes counts as measured if it is not the same for every seed.
    Otherwise it is a setting, such as the size of the images.

    Args:
        results: the content of `result.json` by seed.
        metrics: those of the task.

    Returns:
        By key, what `spread` returns.
    """
    values: dict[str, dict[int, float]] = {}
    for seed, result in results.items():
        for metric, value in numbers(result, metrics):
            values.setdefault(metric.key, {})[seed] = value
    described = [metric.key for metric in with_general(metrics)]
    others = [key for key in values if key not in described and key not in _NO_MEASURES]
    varied = [key for key in others if len(set(values[key].values())) > 1]
    return {key: spread(values[key]) for key in (*described, *varied) if key in values}


def spread(values: Mapping[int, float]) -> dict[str, Any]:
    """The mean and the standard deviation of a sample.

    Args:
        values: one of each seed.

    Returns:
        "mean"; "std", with n - 1, None for a single seed; "values" by seed.
    """
    numbers = list(values.values())
    return {
        "mean": mean(numbers),
        "std": stdev(numbers) if len(numbers) > 1 else None,
        "values": {str(seed): value for seed, value in values.items()},
    }


def agreement(space: SearchSpace, architectures: Mapping[int, Architecture]) -> dict[str, Any]:
    """How far architectures are the same.

    Args:
        architectures: by seed.

    Returns:
        By pair of seeds, as "3-7", the share of the variables with the same category; "mean" over
        all pairs; "chance", what two uniform draws would have, the mean of 1/K_i; and by variable
        the category of the majority.
    """
    pairs = {
        f"{one}-{other}": _shared(space, architectures[one], architectures[other])
        for one, other in combinations(architectures, 2)
    }
    return {
        "mean": mean(pairs.values()) if pairs else None,
        "chance": float(np.mean(1 / space.sizes)),
        "pairs": pairs,
        "majority": {
            name: _majority([architecture[name] for architecture in architectures.values()])
            for name in (space if architectures else ())
        },
    }


def _shared(space: SearchSpace, one: Architecture, other: Architecture) -> float:
    """The share of the variables that have the same value."""
    return float(np.mean([one[name] == other[name] for name in space]))


def _majority(labels: Sequence[Any]) -> dict[str, Any]:
    label, count = Counter(labels).most_common(1)[0]
    return {"category": label, "share": count / len(labels)}
