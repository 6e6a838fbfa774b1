"""The methods "nas" and "nasnet": a controller, and networks that are trained one by one.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017; Zoph et al.,
"Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.trials.settings import TrialSettings

if TYPE_CHECKING:
    from pdas.methods.policy_gradient.optimizer import Learning, PolicyGradient


class ControllerSettings(TrialSettings):
    """What both have in common; for `trials` and `epochs` see `TrialSettings`.

    Example:
        class Nas(ControllerSettings): ...
    """

    hidden: ClassVar[int]  # numbers in the state of a layer of the controller
    layers: ClassVar[int]
    scale: ClassVar[float]  # its weights are uniform in (-scale, scale)

    def learning(self) -> Learning:
        """How the controller learns."""
        raise NotImplementedError

    def build(self, request: MethodRequest) -> PolicyGradient:
        from pdas.methods.policy_gradient.lstm_policy import LSTMPolicy
        from pdas.methods.policy_gradient.optimizer import PolicyGradient

        policy = LSTMPolicy(
            request.space.sizes.tolist(),
            hidden=self.hidden,
            layers=self.layers,
            scale=self.scale,
            seed=request.seed,
        )
        return PolicyGradient(
            request.space, policy, self.learning(), seed=request.seed, samples=request.samples
        )


@METHODS.named("nas")
class Nas(ControllerSettings):
    """NAS: REINFORCE on the cube of the accuracy.

    Example:
        pdas.search(net, loss, data, method="nas").architecture
    """

    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"search.method.trials": 12_800, "search.method.epochs": 50}
    )
    hidden: ClassVar[int] = 35
    layers: ClassVar[int] = 2
    scale: ClassVar[float] = 0.08

    name: Literal["nas"] = "nas"

    def learning(self) -> Learning:
        from pdas.methods.policy_gradient.optimizer import Learning

        return Learning(batch=8, learning_rate=6e-4, decay=0.95, power=3)


@METHODS.named("nasnet")
class Nasnet(ControllerSettings):
    """NASNet's controller: PPO on the accuracy.

    Example:
        pdas.search(net, loss, data, method="nasnet").architecture
    """

    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"search.method.trials": 20_000, "search.method.epochs": 20, "search.finalists": 250}
    )
    hidden: ClassVar[int] = 100
    layers: ClassVar[int] = 1
    scale: ClassVar[float] = 0.1

    name: Literal["nasnet"] = "nasnet"

    def learning(self) -> Learning:
        from pdas.methods.policy_gradient.optimizer import Learning

        return Learning(
            batch=20, learning_rate=3.5e-4, decay=0.95, entropy=1e-5, passes=10, clip=0.2
        )
