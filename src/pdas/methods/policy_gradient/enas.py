"""The methods "enas" and "enas-plain": a controller and shared weights, in turns.

Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.scheduled.schedule import Schedule
from pdas.methods.scheduled.settings import ScheduledSettings

if TYPE_CHECKING:
    from pdas.methods.policy_gradient.optimizer import PolicyGradient

BATCH = 10  # architectures of an update
SCORED_A_STEP = 0.75  # 300 in an epoch of about 400 steps
PUBLISHED = MappingProxyType({"search.method.epochs": 150, "search.method.updates": 30})


class EnasPlain(ScheduledSettings):
    """ENAS without what favours separable convolutions in the controller at the start.

    A step trains one architecture. After each pass over D_W the controller has some updates, each
    from the errors of 10 architectures, each on a batch of D_theta of its own.

    Attributes:
        epochs: see `ScheduledSettings`.
        updates: of the controller after each pass; None for three architectures for each four
            steps, about 30 updates for 400 steps, as published.

    Example:
        pdas.search(net, loss, data, method="enas-plain").architecture
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1, "finalists": 10})
    published: ClassVar[Mapping[str, Any]] = PUBLISHED
    plain: ClassVar[bool] = True

    name: Literal["enas-plain"] = "enas-plain"
    updates: int | None = Field(None, ge=1)

    def build(self, request: MethodRequest) -> PolicyGradient:
        from pdas.methods.graph_variables import graphs_of
        from pdas.methods.policy_gradient.enas_policy import EnasPolicy
        from pdas.methods.policy_gradient.lstm_policy import LSTMPolicy
        from pdas.methods.policy_gradient.optimizer import Learning, PolicyGradient

        space, seed = request.space, request.seed
        sizes = space.sizes.tolist()
        return PolicyGradient(
            space,
            LSTMPolicy(sizes, hidden=64, bound=1.10, seed=seed)
            if graphs_of(space) is None
            else EnasPolicy(space, plain=self.plain, seed=seed),
            Learning(
                batch=BATCH,
                learning_rate=3.5e-3,
                betas=(0.0, 0.999),
                epsilon=1e-3,
                decay=0.99,
                entropy=1e-4,
            ),
            seed=seed,
            samples=request.samples,
            choice="greedy",
        )

    def schedule(self) -> Schedule:
        score = SCORED_A_STEP if self.updates is None else self.updates * BATCH
        return Schedule(epochs=self.epochs, every=1, score=score, group=BATCH)


class Enas(EnasPlain):
    """ENAS, with its preference of separable convolutions at the start; see `EnasPlain`.

    Example:
        pdas.search(net, loss, data, method="enas").architecture
    """

    plain: ClassVar[bool] = False

    name: Literal["enas"] = "enas"  # type: ignore[assignment]


METHODS.add("enas-plain", EnasPlain)
METHODS.add("enas", Enas)
