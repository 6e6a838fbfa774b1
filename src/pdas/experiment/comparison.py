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
from pdas.tasks.recipe import Recipe
from pdas.tasks.registry import recipe_space

MEASURES = ("test_error", "psnr", "ssim", "params")


def compare(recipe: Recipe, runs: Mapping[int, Run]) -> dict[str, Any]:
    """The measures and the agreement of finished runs by seed, each with the seed's retraining.

    Raises `RunError` and `SpaceError` for files that are missing or damaged.
    """
    space = recipe_space(recipe)
    results = {
        seed: Run(run.path / f"retrain-{seed}").read_json("result.json")
        for seed, run in runs.items()
    }
    found = {seed: space.load(run.architecture_file()) for seed, run in runs.items()}
    measured = {
        name: {seed: result[name] for seed, result in results.items() if name in result}
        for name in MEASURES
    }
    return {
        "seeds": list(runs),
        "measures": {name: spread(values) for name, values in measured.items() if values},
        "agreement": agreement(space, found),
    }


def spread(values: Mapping[int, float]) -> dict[str, Any]:
    """Mean and standard deviation (n - 1) of a value of each seed."""
    numbers = list(values.values())
    return {
        "mean": mean(numbers),
        "std": stdev(numbers) if len(numbers) > 1 else None,
        "values": {str(seed): value for seed, value in values.items()},
    }


def agreement(space: SearchSpace, found: Mapping[int, Architecture]) -> dict[str, Any]:
    """The share of the variables in which two architectures have the same category.

    "mean" is over all pairs; "chance" is what two uniform draws would have, the mean of 1/K_i.
    """
    pairs = {
        f"{one}-{other}": float(np.mean(found[one].indices == found[other].indices))
        for one, other in combinations(found, 2)
    }
    return {
        "mean": mean(pairs.values()) if pairs else None,
        "chance": float(np.mean(1 / space.sizes)),
        "pairs": pairs,
        "majority": {name: _majority([a[name] for a in found.values()]) for name in space}
        if found
        else {},
    }


def _majority(labels: Sequence[Any]) -> dict[str, Any]:
    label, count = Counter(labels).most_common(1)[0]
    return {"category": label, "share": count / len(labels)}
