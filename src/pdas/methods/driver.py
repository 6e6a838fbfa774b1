"""What all search methods have in common that run an optimizer with ask and tell."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.constraints.limited import Limited
from pdas.methods.optimizer import Optimizer, made_with
from pdas.methods.proposals import propose
from pdas.space import Architecture
from pdas.space.categories import theta_of
from pdas.support.arrays import FloatArray

if TYPE_CHECKING:
    from pdas.resume.resumable import Stateful

_log = logging.getLogger(__name__)


class Driver(SearchMethod):
    """Asks an optimizer for architectures, and tells it their losses. A subclass says when.

    Args:
        optimizer: draws architectures. Its limit, if it has one, holds for all of them.
        learner: draws and learns in the steps: the optimizer, or a wrapper of it with a penalty.

    Attributes:
        optimizer: see above.
        learner: see above.

    Example:
        class Sampled(Driver): ...
    """

    def __init__(self, optimizer: Optimizer, learner: Optimizer | None = None) -> None:
        self.optimizer = optimizer
        self.learner = learner or optimizer

    def begin(self, context: SearchContext) -> None:
        self._context = context

    def best(self) -> Architecture:
        return self.optimizer.best()

    def finalists(self, n: int) -> list[Architecture]:
        """Those that the optimizer names, or its best and draws; see `SearchMethod.finalists`."""
        found = propose(self.optimizer, n, self._context.active)
        if len(found) < n:
            _log.warning(
                "search.finalists: found %d distinct networks of %s%s, expected %d%s; "
                "these are compared",
                len(found),
                type(self.optimizer).__name__ if self.theta_array is None else "theta",
                " within the limit" if isinstance(self.optimizer, Limited) else "",
                n,
                "" if n == self._context.settings.finalists else ", as many as their share allows",
            )
        return found

    def measures(self) -> Mapping[str, float]:
        return self.optimizer.measures()

    @property
    def theta_array(self) -> FloatArray | None:
        return theta_of(self.optimizer, self.optimizer.space)

    @property
    def theta_max(self) -> FloatArray | None:
        theta_max: FloatArray | None = getattr(self.optimizer, "theta_max", None)
        return theta_max

    @property
    def must_match(self) -> Stateful:
        """The optimizer: the rest counts, or holds a loss that machines may round otherwise."""
        return self.learner

    def made_with(self) -> dict[str, Any]:
        """That of the optimizer, with its limits and penalty."""
        return made_with(self.learner)
