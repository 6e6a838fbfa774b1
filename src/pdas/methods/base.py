"""The base class of search methods, which learn from a supernet and the two halves of the data.

To write a method, subclass `SearchMethod`, or write an optimizer with `ask` and `tell` (see
`pdas.methods.optimizer`), of which `Sampled` makes a method. `pdas.search(..., method=...)` takes
either, or the name of a registered method (see `pdas.methods.components`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from pdas.methods.planning.plan import Plan, PlanRequest
from pdas.methods.planning.search_plan import plan_search
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import BoolArray, FloatArray

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from torch import nn

    from pdas.distributed.fabric import Fabric
    from pdas.distributed.ranks import Ranks
    from pdas.methods.settings import SearchSettings
    from pdas.methods.trials.trial import Derive, Trial
    from pdas.resume.batches import ResumableBatches
    from pdas.resume.resumable import Stateful
    from pdas.training.measures import Loss
    from pdas.training.weights.training import WeightTraining

Active: TypeAlias = Callable[[Architecture], BoolArray]
"""Which variables an architecture uses, bool `(D,)`."""


def used_by(active: Active | None, architectures: Sequence[Architecture]) -> BoolArray | None:
    """The argument `active` of `Optimizer.tell`.

    Args:
        active: see `Active`; None where all variables learn from every architecture.
        architectures: N of them.

    Returns:
        Bool `(N, D)`; None where all learn.
    """
    return None if active is None else np.array([active(each) for each in architectures])


@dataclass(frozen=True)
class SearchContext:
    """The parts of a search that its method receives before the first step.

    Attributes:
        space: the choices of the network.
        supernet: the network itself, on the device.
        network: the network as set up by Fabric, see `pdas.training.candidates`. Its architectures
            run in the precision of Fabric.
        loss: `loss(model, batch)`.
        settings: of the search.
        plan: its steps, warm-up and finalists.
        weights: updates the shared weights; None if they are not trained.
        theta_batches: batches of D_theta without end.
        active: the variables that an architecture uses; None if the network does not say.
        fabric: devices and precision.
        ranks: the processes of the search.
        trial: trains the network of one architecture by itself.
        derive: makes that network; None if the search has no way to.
        executor: where such trainings run; None for this process.

    Example:
        class Mixture(pdas.SearchMethod):
            def begin(self, context):
                self.alpha = torch.zeros(context.space.sizes.sum(), requires_grad=True)
    """

    space: SearchSpace
    supernet: nn.Module
    network: nn.Module
    loss: Loss
    settings: SearchSettings
    plan: Plan
    weights: WeightTraining | None
    theta_batches: ResumableBatches
    active: Active | None
    fabric: Fabric
    ranks: Ranks
    trial: Trial
    derive: Derive | None = None
    executor: Executor | None = None

    @property
    def learns_from(self) -> Active | None:
        """The variables that learn from an architecture; None where all do."""
        return self.active if self.settings.mask_inactive else None


class SearchMethod(ABC):
    """How a search learns. The loop calls `begin` once, then `step` for every step.

    Attributes:
        trains: whether there are steps. A method without steps, as a random draw, has its `best`
            at once, and no network is built for it.
        trains_weights: whether steps train the shared weights. Otherwise no batches are read for
            them, `step` is called with None, an epoch has `samples` steps, and the state is kept
            after each step, since it may have taken long.

    Example:
        class Mixture(pdas.SearchMethod):
            def begin(self, context): self.context = context
            def step(self, weight_batch, theta_batch): ...; return {"loss": 0.7}
            def best(self): return self.context.space.architecture(...)
            def state_dict(self): return {...}
            def load_state_dict(self, state): ...

        pdas.search(net, loss, data, method=Mixture())
    """

    trains: ClassVar[bool] = True
    trains_weights: ClassVar[bool] = True

    def plan(self, request: PlanRequest) -> Plan:
        """How the search divides its length; by default as that of Algorithm 1.

        Args:
            request: its settings, and its data in numbers.

        Raises:
            SettingError: the search is too short.
        """
        return plan_search(
            request.settings, request.per_epoch, request.theta_per_epoch, request.most_finalists
        )

    def begin(self, context: SearchContext) -> None:  # noqa: B027 - not every method needs it
        """Receive the parts of the search, before the first step."""

    def learns(self, step: int) -> bool:
        """Whether theta learns in a step, so that `step` needs a batch of D_theta.

        Args:
            step: its number, from 1.
        """
        return True

    @abstractmethod
    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        """Run one step, with batches on the device.

        Args:
            weight_batch: of D_W, for the weights.
            theta_batch: of D_theta, for the architecture; None if `learns` was False.

        Returns:
            Numbers by name: "loss" and other measures of the weight batch, and those of the theta
            batch with the prefix "theta_". Progress shows their means over an epoch.
        """

    @abstractmethod
    def best(self) -> Architecture:
        """The architecture that the method would choose now."""

    def finalists(self, n: int) -> list[Architecture]:
        """Architectures to be compared at the end.

        Args:
            n: the largest number of them.

        Returns:
            Different architectures, `best()` first.
        """
        return [self.best()]

    def losses(
        self, architectures: Sequence[Architecture], batches: Iterable[Any]
    ) -> list[float] | None:
        """The mean loss of each architecture with the shared weights.

        Args:
            architectures: to be judged.
            batches: on the device.

        Returns:
            A loss for each; None if the method has no losses of single architectures.
        """
        return None

    def measures(self) -> Mapping[str, float]:
        """Numbers on the method itself, as "eta", which are shown, logged, kept and drawn."""
        return {}

    @property
    def theta_array(self) -> FloatArray | None:
        """The probabilities of all categories, variable after variable: `(sum K_i,)`, or None."""
        return None

    @property
    def theta_max(self) -> FloatArray | None:
        """The largest probability that each variable can have, `(D,)`; None where that is 1."""
        return None

    @property
    def ties(self) -> float | None:
        """The share of losses that tie with that of another network of their step.

        None where a step does not compare losses.
        """
        return None

    def after_steps(self) -> None:  # noqa: B027
        """Called after the last step.

        Raises:
            NotLearnedError: the search has learned nothing.
        """

    def after_finalists(self, least_loss: float | None) -> None:  # noqa: B027
        """Called after the comparison of finalists.

        Args:
            least_loss: the least loss after a separate training; None if there was none.

        Raises:
            NotLearnedError: neither the search nor a finalist has learned something.
        """

    def close(self) -> None:  # noqa: B027
        """Called when the search is left, in whatever way: what still runs elsewhere ends."""

    @property
    def must_match(self) -> Stateful:
        """What has to be the same on all ranks, by its state: the whole method by default."""
        return self

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain data and tensors."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from the state of such a method."""
