"""The protocol of optimizers: ask for architectures, tell their losses, get the best one.

`pdas.testing.OptimizerTests` tests this protocol for any optimizer. `checked_count` and
`checked_losses` check the arguments of `ask` and `tell`, so all optimizers have the same messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import OptimizerError, reason, short
from pdas.support.refusals import is_finite, is_integer, refusal, refuse

LARGEST_COUNT = 2**63


class Optimizer(Protocol):
    """Minimises a loss over the architectures of a space. It knows no network.

    A call with wrong arguments is an OptimizerError of one line and does not change the state.

    Example:
        >>> import pdas
        >>> space = pdas.SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> optimizer = pdas.PDAS(space, seed=0)
        >>> for step in range(100):
        ...     architectures = optimizer.ask()
        ...     optimizer.tell(architectures, [a["width"] for a in architectures])
        >>> optimizer.best()["width"]
        64
    """

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        ...

    @property
    def smallest_tell(self) -> int:
        """The smallest number of losses that a `tell` learns from.

        It is 2 if losses are compared with each other, as in PDAS; otherwise 1.
        """
        ...

    def ask(self, n: int | None = None) -> list[Architecture]:
        """Architectures to evaluate.

        Args:
            n: their number, at least 1. By default the optimizer's own number of samples, which is
                at least `smallest_tell`.

        Returns:
            n architectures of `space`.

        Raises:
            OptimizerError: n is no such number.
        """
        ...

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Learn from the losses of architectures.

        Args:
            architectures: of `space`, at least `smallest_tell`; they need not come from `ask`.
            losses: shape (n,), smaller is better. Those that are not finite rank worst.
            active: bool, shape (n, D), the variables that each architecture uses; by default all.
                An optimizer may ignore it.

        Raises:
            OptimizerError: the arguments do not fit.
            NonFiniteLossError: no loss is finite.
        """
        ...

    def best(self) -> Architecture:
        """The current choice of the optimizer."""
        ...

    def measures(self) -> Mapping[str, float]:
        """Numbers on the state of the optimizer, which a search shows, logs, keeps and draws.

        Returns:
            A finite number for each name. The names are always the same; there may be none.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that changes, with the random generator, as data that JSON can hold."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from the state of an optimizer with the same space and settings.

        Raises:
            OptimizerError: the state is of another space, or a part of it is missing.
        """
        ...


def made_with(optimizer: object) -> dict[str, Any]:
    """What an optimizer or a method was made with, and a resumed search must have the same.

    Args:
        optimizer: with or without a `made_with()` of its own, which gives plain values by the names
            that an error shows, as {"method.alpha": 1.5}.

    Returns:
        These values, and the type as "method.type".
    """
    own: Callable[[], Mapping[str, Any]] = getattr(optimizer, "made_with", dict)
    return {"method.type": type(optimizer).__name__, **own()}


def checked_count(n: int | None, default: int) -> int:
    """The number of architectures that `ask(n)` returns.

    Args:
        n: the argument of `ask`.
        default: the optimizer's own number.

    Raises:
        OptimizerError: n is no integer of at least 1.
    """
    count = default if n is None else n
    if not is_integer(count) or count < 1:
        refuse(
            OptimizerError,
            "ask",
            found=f"n = {count!r}",
            expected="an integer of at least 1",
            remedy="leave it out for the optimizer's own number",
        )
    return count


def asked(optimizer: Optimizer, n: int | None) -> list[Architecture]:
    """Architectures of an optimizer, as many as are asked for.

    Args:
        optimizer: draws them.
        n: their number; by default the optimizer's own.

    Raises:
        OptimizerError: it gives another number.
    """
    architectures = optimizer.ask(n)
    if n is not None and len(architectures) != n:
        refuse(
            OptimizerError,
            "ask",
            found=f"{len(architectures)} architectures of {type(optimizer).__name__}",
            expected=f"the {n} that were asked for",
            remedy="mend its ask(n)",
        )
    return architectures


def checked_state(state: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """The parts of a state, for `load_state_dict`.

    Raises:
        OptimizerError: if one is missing.
    """
    missing = [name for name in names if name not in state]
    if missing:
        refuse(
            OptimizerError,
            "load_state_dict",
            found=f"a state without {', '.join(missing)}",
            expected=f"{', '.join(names)}",
            remedy="give what state_dict() of the same optimizer returned",
        )
    return [state[name] for name in names]


@contextmanager
def reading_state() -> Iterator[None]:
    """Within it, what makes no sense in a state is refused; nothing may be put into use there.

    Raises:
        OptimizerError: a part of the state is missing or makes no sense.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise refusal(
            OptimizerError,
            "load_state_dict",
            found=f"no state of this optimizer ({reason(error)})",
            expected="one of the same space and settings",
            remedy="give the optimizer those that the state was saved with",
        ) from error


def number_in(
    state: Mapping[str, Any], name: str, least: float = -math.inf, most: float = math.inf
) -> float:
    """A number of a state, for `load_state_dict`.

    Args:
        state: of `state_dict`.
        name: of the number.
        least, most: between which it lies.

    Raises:
        LookupError: it is missing.
        ValueError: it is no finite number, or out of range.
    """
    value = state[name]
    if not is_finite(value) or not least <= value <= most:
        raise ValueError(f"{name} is {short(value)}, not a number from {least:g} to {most:g}")
    return float(value)


def count_in(state: Mapping[str, Any], name: str) -> int:
    """A count of a state, for `load_state_dict`.

    Args:
        state: of `state_dict`.
        name: of the count.

    Raises:
        LookupError: it is missing.
        ValueError: it is no whole number from 0 on.
    """
    value = state[name]
    if not is_integer(value) or not 0 <= value < LARGEST_COUNT:
        raise ValueError(f"{name} is {short(value)}, not a whole number from 0 on")
    return int(value)


def checked_losses(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    losses: npt.ArrayLike,
    smallest: int = 1,
) -> tuple[IntArray, FloatArray]:
    """The arguments of `tell` as arrays.

    Args:
        space: that of the optimizer.
        architectures: of this space.
        losses: one for each architecture.
        smallest: the fewest losses, the optimizer's `smallest_tell`.

    Returns:
        Indices, shape (n, D), and losses, shape (n,).

    Raises:
        OptimizerError: the arguments do not fit.
    """
    for architecture in architectures:
        check_architecture("tell", architecture, space, OptimizerError)
    n = len(architectures)
    if n < smallest:
        refuse(
            OptimizerError,
            "tell",
            found=f"{n} architectures",
            expected=f"at least {smallest}, from whose losses this optimizer can learn",
            remedy=f"tell those of one ask({smallest}) together",
        )
    try:
        values = np.asarray(losses, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # torch: a tensor with a gradient
        raise refusal(
            OptimizerError,
            "tell",
            found=f"losses of type {type(losses).__name__} that are no plain numbers",
            expected="a list or an array of numbers",
            remedy="take float(loss) of a tensor",
        ) from error
    if values.shape != (n,):
        refuse(
            OptimizerError,
            "tell",
            found=f"losses of shape {values.shape} for {n} architectures",
            expected=f"({n},), one loss for each",
            remedy="take the mean over its batch",
        )
    return np.array([architecture.indices for architecture in architectures]), values
