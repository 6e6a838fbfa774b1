"""What a search method is: how a search learns from a supernet and its two halves of the data.

A method of one's own is a subclass of `SearchMethod`, or an optimizer with `ask` and `tell` (see
`pdas.methods.optimizer`), which `Sampled` makes a method of. `pdas.search(..., method=...)` takes
either, or the name of a registered one (see `pdas.methods.components`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pdas.methods.plan import Plan
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import BoolArray, FloatArray

if TYPE_CHECKING:
    from torch import nn

    from pdas.distributed.fabric import Fabric
    from pdas.distributed.ranks import Ranks
    from pdas.methods.settings import SearchSettings
    from pdas.resume.batches import ResumableBatches
    from pdas.training.measures import Loss
    from pdas.training.weights import WeightTraining

Active: TypeAlias = Callable[[Architecture], BoolArray]
"""Which variables an architecture uses, bool `(D,)`."""


@dataclass(frozen=True)
class SearchContext:
    """What a search hands to its method before the first step.

    Attributes:
        space: the choices of the network.
        supernet: the network itself, on the device.
        network: the network as Fabric has set it up, see `pdas.training.candidates`; its
            architectures run in the precision of Fabric.
        loss: `loss(model, batch)`.
        settings: of the search.
        plan: how it spends its length.
        weights: what updates the shared weights; None if they are not trained.
        theta_batches: batches of D_theta without end.
        active: which variables an architecture uses; None if the network does not tell.
        fabric, ranks: the devices.
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


class SearchMethod(ABC):
    """How a search learns. The loop calls `begin` once, then `step` for every step.

    Attributes:
        trains: whether there are steps at all; a method that needs none, as one that draws an
            architecture at random, has its `best` at once, and no network is built for it.

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

    def begin(self, context: SearchContext) -> None:  # noqa: B027 - not every method needs it
        """Take what the search is made of, before the first step."""

    def learns(self, step: int) -> bool:
        """Whether theta learns in this step, from 1, so that `step` needs a batch for it."""
        return True

    @abstractmethod
    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        """One step, with batches on the device.

        Args:
            weight_batch: of D_W, for the weights.
            theta_batch: of D_theta, for the architecture; None if `learns` said no.

        Returns:
            What was measured, by name: "loss" and other measures of the weight batch; those of the
            theta batch with the prefix "theta_". Progress shows the means over an epoch.
        """

    @abstractmethod
    def best(self) -> Architecture:
        """The architecture that the method would choose now."""

    def finalists(self, n: int) -> list[Architecture]:
        """Up to n different architectures to be compared at the end, `best()` first."""
        return [self.best()]

    def losses(
        self, architectures: Sequence[Architecture], batches: Iterable[Any]
    ) -> list[float] | None:
        """The mean loss of each by the shared weights; None if the method cannot tell."""
        return None

    def measures(self) -> Mapping[str, float]:
        """What the method reports of itself, as "eta": it is shown, logged, kept and drawn."""
        return {}

    @property
    def theta_array(self) -> FloatArray | None:
        """Probabilities of all categories `(D, K_max)`; None for a method that has none."""
        return None

    def after_steps(self) -> None:  # noqa: B027
        """Called after the last step; raises `NotLearnedError` if the search was in vain."""

    def after_finalists(self, least_loss: float | None) -> None:  # noqa: B027
        """Called with the least loss of a finalist that was trained by itself, if any was."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, as plain data and tensors."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from a state of the same method."""
