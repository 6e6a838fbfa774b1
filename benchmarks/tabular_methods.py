"""The searches of `tabular.py`: every method with ask and tell, on a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pdas.methods.components import METHODS, MethodRequest
from pdas.space import SearchSpace

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Evaluate(Protocol):
    """Observed accuracies in percent of architectures `(n, D)` of a space."""

    @property
    def space(self) -> SearchSpace: ...

    def __call__(self, indices: IntArray) -> FloatArray: ...


# A search runs for ever; after each step it yields its own choice, or None for the best observed.
Search = Callable[[Evaluate, int], Iterator[IntArray | None]]
Make = Callable[[SearchSpace, int], Any]


def random_search(evaluate: Evaluate, seed: int) -> Iterator[None]:
    rng = np.random.default_rng(seed)
    sizes = evaluate.space.sizes
    for number in rng.permutation(int(sizes.prod())):
        evaluate(np.array([np.unravel_index(number, tuple(sizes))]))
        yield None


def search(
    make: Make, evaluate: Evaluate, seed: int, best: float = 1.0
) -> Iterator[IntArray | None]:
    """An optimizer asks and is told best - accuracy, in the unit of `best`, 1 or 100 percent."""
    optimizer = make(evaluate.space, seed)
    while True:
        architectures = optimizer.ask()
        accuracies = evaluate(np.array([each.indices for each in architectures]))
        optimizer.tell(architectures, 1 - accuracies * best / 100)
        own = getattr(optimizer, "greedy", None) or getattr(optimizer, "mode", None)
        if own is None and hasattr(optimizer, "theta_array"):
            own = optimizer.best
        yield None if own is None else own().indices


def registered(space: SearchSpace, seed: int, settings: Mapping[str, Any], samples: int) -> Any:
    """The optimizer of a method of the project."""
    method = METHODS[settings["name"]].model_validate(settings)
    return method.build(MethodRequest(space, seed=seed, samples=samples))


def by_name(name: str, samples: int = 1, **settings: Any) -> Search:
    """The search of a method by its name and settings."""
    make = partial(registered, settings={"name": name, **settings}, samples=samples)
    return partial(search, make)


def product(space: SearchSpace, seed: int, learning_rate: float) -> Any:
    """REINFORCE on a product of softmaxes, a control of Dong et al., "NATS-Bench", TPAMI 2021."""
    from pdas.methods.policy_gradient.optimizer import Learning, PolicyGradient
    from pdas.methods.policy_gradient.product_policy import ProductPolicy

    learning = Learning(batch=1, learning_rate=learning_rate, decay=0.9, corrected=True)
    policy = ProductPolicy(space.sizes.tolist(), seed=seed)
    return PolicyGradient(space, policy, learning, seed=seed, samples=1)


@dataclass(frozen=True)
class Method:
    """A row of the table of methods.

    Attributes:
        name: as it is shown.
        search: see `Search`.
        seeds: at most; some take seconds each.
        expected: mean and half of the 95 % interval after 100, 200 and 400 evaluations, of a
            prototype that was written independently; none is known of some.
        greedy: of it, the mean of the greedy choice after 400.
    """

    name: str
    search: Search
    seeds: int = 200
    expected: tuple[tuple[float, float], ...] = ()
    greedy: float = math.nan


REWARD_IN_PERCENT = 100.0
METHODS_ON_TABLES = (
    Method("random", random_search, 200, ((93.74, 0.05), (93.83, 0.04), (93.95, 0.03))),
    Method(
        "evolution 10/3",
        by_name("evolution", population=10, tournament=3),
        200,
        ((93.94, 0.06), (94.12, 0.04), (94.25, 0.03)),
    ),
    Method(
        "evolution 100/25",
        by_name("evolution", population=100, tournament=25),
        200,
        ((93.76, 0.06), (94.23, 0.04), (94.34, 0.03)),
    ),
    Method("pdas", by_name("pdas", samples=2)),
    Method("bernoulli", by_name("bernoulli", samples=2)),
    Method(
        "REINFORCE, product, 0.001",
        partial(search, partial(product, learning_rate=0.001), best=REWARD_IN_PERCENT),
        30,
        ((93.72, 0.16), (93.92, 0.07), (93.94, 0.06)),
        93.30,
    ),
    Method(
        "REINFORCE, product, 0.01",
        partial(search, partial(product, learning_rate=0.01), best=REWARD_IN_PERCENT),
        30,
        ((93.75, 0.10), (93.95, 0.07), (94.05, 0.07)),
        93.56,
    ),
    Method("nas", by_name("nas"), 10, ((93.91, 0.16), (93.94, 0.13), (93.98, 0.15)), 93.04),
    Method("nasnet", by_name("nasnet"), 10, ((93.53, 0.26), (93.74, 0.12), (94.25, 0.10)), 93.98),
    Method(
        "enas, generic policy",
        by_name("enas"),
        10,
        ((93.81, 0.32), (93.94, 0.20), (94.03, 0.13)),
        92.86,
    ),
    Method("renas-like, gain", by_name("renas-like", reward="gain"), 10),
    Method("renas-like, tan", by_name("renas-like", reward="tan"), 10),
    Method("nao", by_name("nao"), 2),
)
