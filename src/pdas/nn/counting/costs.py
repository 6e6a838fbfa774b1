"""What architectures of a user's supernet have and do, without running each of them.

Both counts are sums of products: of what is there (a number of weights, or of multiply-adds in the
survey's first run), of whether it is used, and of how each choice changes the size of it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from torch import nn

from pdas.cost import ProductCost, Term
from pdas.nn.conditions import Conditions
from pdas.nn.counting.probe import Unit
from pdas.nn.counting.profile import Survey, View
from pdas.nn.elastic import ChosenSlice
from pdas.nn.module_tree import FoundChoices
from pdas.nn.places import Place
from pdas.nn.value import conditions_above
from pdas.space import Label, SearchSpace
from pdas.support.arrays import BoolArray, FloatArray
from pdas.support.errors import NetworkError, PdasWarning

MOST_PLACES = 10
TRIALS = 3  # architectures that are counted by running them, to see whether the products hold


def parameters(choices: FoundChoices) -> ProductCost:
    """The numbers in the weights of the derived network; a weight used twice counts once."""
    sizes: dict[int, int] = {}
    used: dict[int, list[Conditions]] = {}
    for place in choices.places:
        for weight, conditions in _weights(place):
            sizes[id(weight)] = weight.numel()
            used.setdefault(id(weight), []).append(conditions)
    terms = [
        Term(sign * size, _factors(choices.space, conditions))
        for weight, size in sizes.items()
        for sign, conditions in _any(used[weight])
    ]
    return ProductCost(choices.space, terms)


def multiply_adds(survey: Survey) -> ProductCost:
    """The multiply-adds of a call on the survey's inputs."""
    space = survey.choices.space
    cost = ProductCost(space, _multiply_add_terms(survey))
    rng = np.random.default_rng(0)
    for _ in range(min(TRIALS, int(space.sizes.sum()) - survey.trials)):
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


def of_table(choices: FoundChoices, table: Mapping[str, Mapping[Label, float]]) -> ProductCost:
    """A cost for each category, where its variable is in use."""
    space = choices.space
    costs = ProductCost.from_table(space, table)
    terms = []
    for position in range(len(space)):
        row = costs.table[position, : space.sizes[position]]
        for sign, conditions in _any(choices.conditions[position]):
            factors = _factors(space, conditions)
            terms.append(Term(sign, factors | {position: row * factors.get(position, 1.0)}))
    return ProductCost(space, terms)


def _weights(place: Place) -> Iterator[tuple[nn.Parameter, Conditions]]:
    """The weights of one module, not of those inside, and where they are used."""
    if isinstance(place.module, ChosenSlice):
        for block, ranges in place.module.blocks():
            conditions = place.conditions
            for width, (start, _) in zip(place.module.widths, ranges, strict=True):
                conditions = conditions & conditions_above(width, start)
            yield block, conditions
    else:
        for weight in place.module.parameters(recurse=False):
            yield weight, place.conditions


def _any(cases: Sequence[Conditions]) -> Iterator[tuple[int, Conditions]]:
    """Where any of the cases holds, as a sum of signed cases."""
    alone, joint = _merged(cases)
    if not all(cases):  # one without conditions always holds
        yield 1, Conditions()
        return
    none_alone = Conditions({name: ~mask for name, mask in alone.items()})
    if alone:
        yield 1, Conditions()
        yield -1, none_alone
    if len(joint) > MOST_PLACES:
        raise NetworkError(
            f"cost: found a module in {len(joint)} places under several choices each, expected at "
            f"most {MOST_PLACES}; give some of them modules of their own"
        )
    for number in range(1, len(joint) + 1):  # inclusion and exclusion
        for chosen in combinations(joint, number):
            together = none_alone
            for case in chosen:
                together = together & case
            yield (-1) ** (number + 1), together


def _merged(cases: Sequence[Conditions]) -> tuple[dict[str, BoolArray], list[Conditions]]:
    """Those on a single variable, joined for each; and the others, each once."""
    alone: dict[str, BoolArray] = {}
    joint: list[Conditions] = []
    for case in cases:
        if len(case) == 1:
            ((name, mask),) = case.items()
            alone[name] = mask | alone[name] if name in alone else mask
        elif case not in joint:
            joint.append(case)
    return alone, joint


def _factors(space: SearchSpace, conditions: Conditions) -> dict[int, FloatArray]:
    return {space.position(name): mask.astype(float) for name, mask in conditions.items()}


def _multiply_add_terms(survey: Survey) -> Iterator[Term]:
    """Those of each unit where it was seen, times how each choice changes them."""
    space = survey.choices.space
    for view in survey.views():
        for unit in view.units:
            _, conditions = unit
            factors = _factors(space, conditions & view.conditions)
            value = float(view.trial.counts[unit])
            for position, counts in _changed(space, view, unit).items():
                # Whole factors, so that products are exact as long as they are below 2**53.
                relative = counts / math.gcd(*map(int, counts))
                value /= relative[view.architecture.indices[position]]
                factors[position] = factors.get(position, 1.0) * relative
            yield Term(value, factors)


def _changed(space: SearchSpace, view: View, unit: Unit) -> dict[int, FloatArray]:
    """By variable, the multiply-adds of a unit with each of its categories, where they differ."""
    counts: dict[int, FloatArray] = {}
    for change in view.changes:
        before, after = (found.counts.get(unit, 0) for found in (change.before, change.after))
        if before and before != after:
            row = counts.setdefault(
                change.position, np.full(space.sizes[change.position], float(before))
            )
            row[change.category] = after
    return counts
