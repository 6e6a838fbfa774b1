"""What every optimizer of architectures offers: ask for some, tell their losses, name the best.

`pdas.testing.OptimizerTests` tests what is said here, of any optimizer. `checked_count` and
`checked_losses` check the arguments of `ask` and `tell` in the same words for every optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import OptimizerError
from pdas.support.refusals import is_integer, refusal, refuse


class Optimizer(Protocol):
    """Minimises a loss over the architectures of a space; knows no network.

    A call that is refused raises an OptimizerError of one line and leaves the state as it was.

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

        2 where losses are compared with each other, as in PDAS; otherwise 1.
        """
        ...

    def ask(self, n: int | None = None) -> list[Architecture]:
        """Architectures to evaluate.

        Args:
            n: how many, at least 1. By default the optimizer's own number of samples, which is at
                least `smallest_tell`.

        Returns:
            n architectures of `space`.

        Raises:
            OptimizerError: if n is no such number.
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
            active: bool, shape (n, D), the variables that each architecture uses, for an optimizer
                that learns from it. All by default.

        Raises:
            OptimizerError: if the arguments do not fit.
            NonFiniteLossError: if no loss is finite.
        """
        ...

    def best(self) -> Architecture:
        """The architecture that the optimizer would choose now."""
        ...

    def measures(self) -> Mapping[str, float]:
        """What the optimizer says of its state: a finite number for each name.

        A search shows, logs, keeps and draws them. The names are always the same; there may be
        none.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, random generator included, as data that JSON can hold."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from a state of an optimizer with the same space and settings.

        Raises:
            OptimizerError: if the state is of another space or lacks a part.
        """
        ...


def checked_count(n: int | None, default: int) -> int:
    """How many architectures `ask(n)` is to give.

    Raises:
        OptimizerError: if n is no integer of at least 1.
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
        smallest: how many there must be at least, the optimizer's `smallest_tell`.

    Returns:
        Indices, shape (n, D), and losses, shape (n,).

    Raises:
        OptimizerError: if they are not that.
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
            remedy="give the mean over its batch",
        )
    return np.array([architecture.indices for architecture in architectures]), values
