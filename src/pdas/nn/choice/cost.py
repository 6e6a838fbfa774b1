"""What architectures of a user's supernet have and do, without running each of them.

Both counts are sums of products: of what is there (a number of weights, or of multiply-adds in the
survey's first run), of whether it is used, and of how each choice changes the size of it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from torch import nn

from pdas.cost import FloatArray, ProductCost, Term
from pdas.errors import PdasWarning
from pdas.nn.choice.layers import ChosenSlice
from pdas.nn.choice.places import Conditions, Place, both
from pdas.nn.choice.run import Unit
from pdas.nn.choice.survey import Survey
from pdas.nn.choice.tree import ChoiceTree
from pdas.nn.choice.value import conditions_above
from pdas.space import SearchSpace

TRIALS = 3  # architectures that are counted by running them, to see whether the products hold


def parameters(tree: ChoiceTree) -> ProductCost:
    """The numbers in the weights of the derived network; a weight used twice counts once."""
    sizes: dict[int, int] = {}
    used: dict[int, list[Conditions]] = {}
    for place in tree.places:
        for weight, conditions in _weights(place):
            sizes[id(weight)] = weight.numel()
            used.setdefault(id(weight), []).append(conditions)
    terms = [
        Term(sign * size, _factors(tree.space, conditions))
        for weight, size in sizes.items()
        for sign, conditions in _any(used[weight])
    ]
    return ProductCost(tree.space, terms)


def multiply_adds(survey: Survey) -> ProductCost:
    """The multiply-adds of a call on the survey's inputs."""
    space = survey.tree.space
    cost = ProductCost(space, _multiply_add_terms(survey))
    rng = np.random.default_rng(0)
    for _ in range(min(TRIALS, int(space.sizes.sum()) - survey.runs)):
        architecture = space.uniform(rng)
        found, expected = cost(architecture), survey.count(architecture)
        if not math.isclose(found, expected, rel_tol=1e-9):
            warnings.warn(
                f"multiply_adds: found {found:.0f} by products for an architecture that has "
                f"{expected}, expected them equal: choices change the size of what follows "
                "together and not each by a factor, or a Value decides what is called; for that "
                "use Choice, OptionalLayer or Repeat, and take no limit on this cost for exact",
                PdasWarning,
                stacklevel=3,
            )
            break
    return cost


def _weights(place: Place) -> Iterator[tuple[nn.Parameter, Conditions]]:
    """The weights of one module, not of those inside, and where they are used."""
    if isinstance(place.module, ChosenSlice):
        for block, ranges in place.module.blocks():
            conditions = place.conditions
            for width, (start, _) in zip(place.module.widths, ranges, strict=True):
                conditions = both(conditions, conditions_above(width, start))
            yield block, conditions
    else:
        for weight in place.module.parameters(recurse=False):
            yield weight, place.conditions


def _any(cases: Sequence[Conditions]) -> Iterator[tuple[int, Conditions]]:
    """Where any of the cases holds, as a sum of signed cases (inclusion and exclusion)."""
    distinct = _merged(cases)
    for number in range(1, len(distinct) + 1):
        for chosen in combinations(distinct, number):
            together: Conditions = {}
            for case in chosen:
                together = both(together, case)
            yield (-1) ** (number + 1), together


def _merged(cases: Sequence[Conditions]) -> list[Conditions]:
    """The cases with as few conditions; those on one same variable are one."""
    alone: dict[str, Conditions] = {}
    others: dict[tuple[tuple[str, bytes], ...], Conditions] = {}
    for case in cases:
        if not case:
            return [case]
        if len(case) == 1:
            ((name, mask),) = case.items()
            alone[name] = {name: mask | alone[name][name]} if name in alone else case
        else:
            others[tuple((name, mask.tobytes()) for name, mask in sorted(case.items()))] = case
    return [*alone.values(), *others.values()]


def _factors(space: SearchSpace, conditions: Conditions) -> dict[int, FloatArray]:
    return {space.position(name): mask.astype(float) for name, mask in conditions.items()}


def _multiply_add_terms(survey: Survey) -> Iterator[Term]:
    """Those of each unit in the first run, times how each choice changes them."""
    space = survey.tree.space
    for unit, number in survey.found.counts.items():
        factors = _factors(space, survey.found.conditions[unit])
        value = float(number)
        for position, counts in _changed(survey, unit).items():
            relative = counts / math.gcd(*map(int, counts))
            value /= relative[survey.base.indices[position]]
            factors[position] = factors.get(position, 1.0) * relative
        yield Term(value, factors)
    for change in survey.changes:  # units that are there with one category only
        for unit in change.after.counts.keys() - change.before.counts.keys():
            only = np.arange(space.sizes[change.position]) == change.category
            conditions = both(change.after.conditions[unit], {space.names[change.position]: only})
            yield Term(change.after.counts[unit], _factors(space, conditions))


def _changed(survey: Survey, unit: Unit) -> dict[int, FloatArray]:
    """By variable, the multiply-adds of a unit with each of its categories, where they differ."""
    counts: dict[int, FloatArray] = {}
    for change in survey.changes:
        before, after = (found.counts.get(unit, 0) for found in (change.before, change.after))
        if before and before != after:
            size = survey.tree.space.sizes[change.position]
            row = counts.setdefault(change.position, np.full(size, float(before)))
            row[change.category] = after
    return counts
