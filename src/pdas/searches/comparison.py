"""The end of a search: finalists are compared, and the best one is the result.

The method proposes the finalists. If a share of the search is reserved for it, each is trained
separately (`successive_halving`). Otherwise each is judged with the shared weights on the whole of
D_theta. That costs little, but ranks them less well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.planning.plan import Plan
from pdas.methods.trials.trial import Derive, Trial
from pdas.searches.finalists import Finalist, best_first, has_finite_loss, is_measured
from pdas.searches.successive_halving import SuccessiveHalving
from pdas.space import Architecture

OnTrial = Callable[[Sequence[Finalist], int, int], None]
"""Called with the finalists, the number of trainings that are done, and that of all trainings."""


class FinalistComparison:
    """Compares finalists.

    Args:
        context: of the search.
        method: proposes them.
        trial: trains one of them separately.
        derive: makes the network of an architecture; needed where any is trained.
        executor: where trials run; by default in this process, or in those of all ranks.
        penalty: of their cost; None for none.
        on_trial: called before the first trial and after each.

    Example:
        finals = FinalistComparison(context, method, trial, net.derive, None, None, on_trial)
        for is_last in finals.run(context.plan):
            print(is_last)
        best = finals.ranked()[0].architecture
    """

    def __init__(
        self,
        context: SearchContext,
        method: SearchMethod,
        trial: Trial,
        derive: Derive | None,
        executor: Executor | None,
        penalty: Penalty | None,
        on_trial: OnTrial,
    ) -> None:
        self._context = context
        self._method = method
        self._penalty = penalty
        self._on_trial = on_trial
        self._plan = plan = context.plan
        self._trials = SuccessiveHalving(
            context.space,
            trial,
            plan.trial_passes,
            derive,
            context.ranks,
            executor,
            plan.trial_steps,
        )

    @property
    def finalists(self) -> Sequence[Finalist]:
        """Those that have been proposed, in the order of the method."""
        return self._trials.finalists

    @property
    def is_complete(self) -> bool:
        """Whether no trial is left, or there is nothing to compare."""
        return self._trials.left == 0 and (bool(self.finalists) or not self._plan.finalists)

    def run(self, plan: Plan) -> Iterator[bool]:
        """Compare them, with a pause before the first trial and after each.

        Args:
            plan: of the search, with fewer finalists or trials where the search was stopped.

        Yields:
            Whether no trial is left.
        """
        self._plan, self._trials.passes = plan, plan.trial_passes
        if not self._trials.finalists and plan.finalists:
            proposed = self._method.finalists(plan.finalists)
            losses = self._shared_losses(proposed)
            self._trials.begin([*map(self._finalist, proposed, losses)])
            yield self._paused()
        for _ in self._trials.run():
            yield self._paused()

    def ranked(self) -> list[Finalist]:
        """The finalists, the best first; in the order of the method where no losses are known.

        Raises:
            NonFiniteLossError: none has a finite loss, and no trial is left.
        """
        measured = is_measured if self.is_complete else has_finite_loss
        if not any(map(measured, self.finalists)):
            return list(self.finalists)
        return best_first(self.finalists)

    def check(self) -> None:
        """Check that something was learned, after all trials.

        Raises:
            NotLearnedError: neither the shared weights nor any finalist learned something.
        """
        if self._plan.trial_passes:
            self._method.after_finalists(self.ranked()[0].loss)

    def state_dict(self) -> dict[str, Any]:
        """The state of the trials."""
        return self._trials.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self._trials.load_state_dict(state)

    def _paused(self) -> bool:
        left, total = self._trials.left, self._trials.total
        self._on_trial(self._trials.finalists, total - left, total)
        return left == 0

    def _shared_losses(self, architectures: Sequence[Architecture]) -> Sequence[float | None]:
        """Their losses with the shared weights on the whole of D_theta; None where trained."""
        none = [None] * len(architectures)
        if self._plan.trial_passes and len(architectures) > 1:
            return none
        passes = self._context.theta_batches.one_pass()
        return (
            self._method.losses(architectures, map(self._context.fabric.to_device, passes)) or none
        )

    def _finalist(self, architecture: Architecture, shared_loss: float | None) -> Finalist:
        penalty = 0.0 if self._penalty is None else self._penalty(architecture)
        return Finalist(architecture, shared_loss, penalty=penalty)
