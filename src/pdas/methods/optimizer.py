"""What every optimizer of architectures offers: ask for some, tell their losses, name the best.

`pdas.testing.OptimizerTests` tests what is said here of every optimizer. `checked_losses`
checks and unpacks what `tell` is given, in the same words for every optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import OptimizerError


class Optimizer(Protocol):
    """Minimises a loss over the architectures of a space; knows no network.

    A call that is refused raises an OptimizerError of one line and leaves the state as it was.
    """

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        ...

    def ask(self, n: int | None = None) -> list[Architecture]:
        """n >= 1 architectures to evaluate; by default the optimizer's own number of samples."""
        ...

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """Learn from the losses (smaller is better) of at least two architectures of this space.

        They need not come from `ask`. Losses that are not finite rank worst; if none is finite,
        raises NonFiniteLossError. active: bool, shape (n, D), the variables that each architecture
        uses, for an optimizer that can make something of it.
        """
        ...

    def best(self) -> Architecture:
        """The architecture that the optimizer would choose now."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, random generator included, as data that JSON can hold."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly from a state of an optimizer with the same space and settings.

        Refuses a state of another space, or with a part missing.
        """
        ...


def checked_losses(
    space: SearchSpace, architectures: Sequence[Architecture], losses: npt.ArrayLike
) -> tuple[IntArray, FloatArray]:
    """Indices, shape (n, D), and losses, shape (n,), of at least two architectures of the space.

    Raises OptimizerError if they are not that.
    """
    for architecture in architectures:
        check_architecture("tell", architecture, space, OptimizerError)
    if len(architectures) < 2:
        raise OptimizerError(
            f"tell: found {len(architectures)} architectures, expected at least 2, since their "
            "losses are compared; tell those of one ask(2) together"
        )
    try:
        values = np.asarray(losses, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # torch: a tensor with a gradient
        raise OptimizerError(
            f"tell: found losses of type {type(losses).__name__} that are no plain numbers; take "
            "float(loss) of a tensor"
        ) from error
    if values.shape != (len(architectures),):
        raise OptimizerError(
            f"tell: found losses of shape {values.shape} for {len(architectures)} architectures, "
            f"expected ({len(architectures)},), one loss for each; give the mean over its batch"
        )
    return np.array([architecture.indices for architecture in architectures]), values
