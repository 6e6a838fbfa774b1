"""Parameters and multiply-adds of the derived networks, without running each of them.

Both are sums of products: of what is there (a number of weights, or of multiply-adds in the
profile's first run), of whether it is used, and of how each choice changes the size of it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from torch import nn

from pdas.cost import ProductCost, Term
from pdas.nn.conditions import Conditions, signed_cases
from pdas.nn.counting.candidate_run import CandidateRun, Unit
from pdas.nn.counting.profile import Neighbourhood, Profile
from pdas.nn.elastic.recurrent import GRU, LSTM
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.lazy import refuse_lazy
from pdas.nn.module_tree import ModuleTree
from pdas.nn.occurrences import Occurrence
from pdas.nn.widths import segments_of
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray
from pdas.support.errors import PdasWarning, shortened

COMPARED = 3  # architectures that are counted by running them, to see whether the products hold


def parameters(tree: ModuleTree) -> ProductCost:
    """The numbers in the weights of the derived network; a weight used twice counts once.

    Args:
        tree: the module with its choice points.
    """
    refuse_lazy(tree.module, "cost")
    sizes: dict[int, int] = {}
    used: dict[int, list[Conditions]] = {}
    for occurrence in tree.occurrences:
        for weight, conditions in _weights(occurrence):
            sizes[id(weight)] = weight.numel()
            used.setdefault(id(weight), []).append(conditions)
    terms = [
        Term(sign * size, conditions.factors(tree.space))
        for weight, size in sizes.items()
        for sign, conditions in signed_cases(used[weight])
    ]
    return ProductCost(tree.space, terms)


def _weights(occurrence: Occurrence) -> Iterator[tuple[nn.Parameter, Conditions]]:
    """The weights of one module, not of those inside, and where they are used."""
    if isinstance(occurrence.module, ElasticWeight):
        for block, conditions in occurrence.module.conditions():
            yield block, occurrence.conditions & conditions
    else:
        for weight in occurrence.module.parameters(recurse=False):
            yield weight, occurrence.conditions


def multiply_adds(profile: Profile) -> ProductCost:
    """The multiply-adds of a call on the profile's inputs.

    Architectures that are drawn at random are counted by running them. If that gives another
    number, a `PdasWarning` says so; and one names the kernels that nobody counts.

    Args:
        profile: of the network on a sample.
    """
    _warn_of_uncounted(profile)
    space = profile.tree.space
    cost = ProductCost(space, _multiply_add_terms(profile))
    rng = np.random.default_rng(0)
    # At most one run for each category, together with those of the profile.
    for _ in range(min(COMPARED, int(space.sizes.sum()) - profile.runs)):
        architecture = space.uniform(rng)
        found, expected = cost(architecture), profile.count(architecture)
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


def _warn_of_uncounted(profile: Profile) -> None:
    """Name the kernels that may multiply and have no formula."""
    uncounted = sorted(set().union(*(run.uncounted for run in profile.all_runs())))
    if uncounted:
        warnings.warn(
            f"multiply_adds: found {shortened(uncounted)}, which may multiply matrices and counts "
            "as nothing, expected a formula; give it one by "
            "torch.utils.flop_counter.register_flop_formula, which may be 0",
            PdasWarning,
            stacklevel=4,
        )


def _multiply_add_terms(profile: Profile) -> Iterator[Term]:
    """Those of each unit where it was seen, times how each choice changes them."""
    space = profile.tree.space
    modules = {id(occurrence.module): occurrence.module for occurrence in profile.tree.occurrences}
    for neighbourhood in profile.neighbourhoods():
        for unit in neighbourhood.units:
            module, conditions = unit
            parts = _Parts(modules[module], neighbourhood, unit)
            value = float(parts.density(neighbourhood.run, neighbourhood.architecture))
            relatives: dict[int, FloatArray] = {}
            for position, counts in _changed(space, neighbourhood, parts).items():
                # Whole factors, so that products are exact as long as they are below 2**53.
                relative = counts / math.gcd(*map(int, counts))
                value /= relative[neighbourhood.architecture.indices[position]]
                relatives[position] = relative
            for size, part in parts.sizes:
                factors = (conditions & neighbourhood.conditions & part).factors(space)
                for position, relative in relatives.items():
                    factors[position] = factors.get(position, 1.0) * relative
                yield Term(value * size, factors)


class _Parts:
    """The parts of what is counted that are there or not, in proportion to their sizes.

    They are the blocks of a weight with a width that is a sum, as `u + v`, or of all weights of a
    recurrent layer: what such a layer does is no product of what its choices are. Anything else is
    one part.
    """

    def __init__(self, module: nn.Module, neighbourhood: Neighbourhood, unit: Unit) -> None:
        self._unit = unit
        self.sizes: list[tuple[int, Conditions]] = [(1, Conditions())]
        blocks = [
            (block.numel(), conditions)
            for weight in _multiplied(module)
            for block, conditions in weight.conditions()
        ]
        if blocks and all(
            run.counts.get(unit, 0) % _amount(blocks, architecture) == 0
            for run, architecture in _runs(neighbourhood)
        ):
            self.sizes = blocks

    def density(self, run: CandidateRun, architecture: Architecture) -> int:
        """The multiply-adds of the unit in a run, by the size of the parts that are there."""
        return run.counts.get(self._unit, 0) // _amount(self.sizes, architecture)


def _multiplied(module: nn.Module) -> list[ElasticWeight]:
    """The weights that a layer multiplies with, where what it does is a sum over their blocks."""
    if isinstance(module, LSTM | GRU):
        return [weight for _, weight in module.weights() if len(weight.widths) > 1]
    weight = dict(module.named_children()).get("weight")
    if isinstance(weight, ElasticWeight) and any(len(segments_of(w)) > 1 for w in weight.widths):
        return [weight]
    return []


def _amount(parts: Sequence[tuple[int, Conditions]], architecture: Architecture) -> int:
    """The size of the parts that an architecture has."""
    return sum(size for size, conditions in parts if conditions.hold(architecture))


def _runs(neighbourhood: Neighbourhood) -> Iterator[tuple[CandidateRun, Architecture]]:
    """All runs of a neighbourhood."""
    yield neighbourhood.run, neighbourhood.architecture
    for change in neighbourhood.changes:
        yield change.before, change.around
        yield change.after, change.architecture


def _changed(
    space: SearchSpace, neighbourhood: Neighbourhood, parts: _Parts
) -> dict[int, FloatArray]:
    """By variable, the density of a unit with each of its categories, where they differ."""
    densities: dict[int, FloatArray] = {}
    for change in neighbourhood.changes:
        before = parts.density(change.before, change.around)
        after = parts.density(change.after, change.architecture)
        if before and before != after:
            row = densities.setdefault(
                change.position, np.full(space.sizes[change.position], float(before))
            )
            row[change.category] = after
    return densities
