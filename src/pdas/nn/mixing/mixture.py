"""A module of the user with every choice as a weighted sum of all its candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.value import Value
from pdas.nn.module_tree import ModuleTree
from pdas.support.containers import Versions
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


@contextmanager
def mixed(tree: ModuleTree, coefficients: Sequence[Tensor]) -> Iterator[None]:
    """Within it, every choice point gives the weighted sum of what each category gives.

    Args:
        tree: of the module.
        coefficients: of the categories of each variable, `(K_i,)`.

    Raises:
        NetworkError: a choice cannot be mixed.
    """
    check_mixable(tree)
    points = [
        (point, weights)
        for same, weights in zip(tree.choice_points, coefficients, strict=True)
        for point in same
    ]
    try:
        for point, weights in points:
            object.__setattr__(point, "forward", partial(_sum, point, weights))
        # For attributes, which are those of one candidate. Unlike a call of an architecture this
        # one is not remembered: what runs again in the backward pass is refused, since the sums are
        # gone by then.
        before = tree.select(tree.largest())
        try:
            yield
        finally:
            tree.tell(before)
    finally:
        for point, _ in points:
            point.__dict__.pop("forward", None)


def check_mixable(tree: ModuleTree) -> None:
    """Refuse choices of numbers, of which no weighted sum can be run.

    Raises:
        NetworkError: there is one.
    """
    for same in tree.choice_points:
        for point in same:
            if isinstance(point, Value):
                refuse(
                    NetworkError,
                    str(point),
                    found="a choice of numbers in a mixture of all candidates",
                    expected="choices of modules or of inputs",
                    remedy="search with a method that samples architectures, as pdas",
                )


def _sum(point: ChoicePoint, weights: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The weighted sum of the outputs of all categories."""
    total: Any = None
    versions = Versions.of((args, kwargs), "inputs")
    for weight, output in zip(weights, point.outputs(*args, **kwargs), strict=True):
        value = output()
        if versions.changed():
            refuse(
                NetworkError,
                str(point),
                found="a candidate that changed its input in place",
                expected="inputs that stay as they are, since all candidates read them",
                remedy="begin each candidate with no module that works in place, as "
                "ReLU(inplace=True)",
            )
        if not isinstance(value, Tensor):
            _refuse_output(point, f"{type(value).__name__} as the output of a candidate")
        term = weight * value
        if total is not None and term.shape != total.shape:
            _refuse_output(point, f"outputs of shapes {tuple(total.shape)} and {tuple(term.shape)}")
        total = term if total is None else total + term
    return total


def _refuse_output(point: ChoicePoint, found: str) -> None:
    refuse(
        NetworkError,
        str(point),
        found=found,
        expected="a tensor of one shape from each category, whose weighted sum is the mixture",
        remedy="search with a method that samples architectures, as pdas",
    )
