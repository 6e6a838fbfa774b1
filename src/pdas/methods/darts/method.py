"""The methods "darts-1", "darts-2" and "mixture".

Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019. "mixture" is the same search on
the relaxation of PDAS's own variables: what it differs in from PDAS is the gradient alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, THETA, Form, MethodRequest, MethodSettings
from pdas.support.errors import NetworkError, SettingError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from torch import nn

    from pdas.methods.darts.mixture_search import MixtureSearch
    from pdas.nn.mixing.relaxation import Kind


class MixtureSettings(MethodSettings):
    """What the three have in common.

    Attributes:
        epochs: passes over D_W; None for as many as the budget of the search pays.
        learning_rate: of the logits, by Adam.
        weight_decay: of the logits.

    Example:
        class Darts1(MixtureSettings): ...
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1})
    unused: ClassVar[frozenset[str]] = THETA | {"samples", "theta_mode"}
    published: ClassVar[Mapping[str, Any]] = MappingProxyType({"search.method.epochs": 50})
    kind: ClassVar[Kind] = "edges"
    second_order: ClassVar[bool] = False
    start: ClassVar[float] = 1e-3  # standard deviation of the logits

    epochs: int | None = Field(None, ge=1)
    learning_rate: float = Field(3e-4, gt=0)
    weight_decay: float = Field(1e-3, ge=0)

    def build(self, request: MethodRequest) -> MixtureSearch:
        from pdas.methods.darts.mixture_search import MixtureSearch

        return MixtureSearch(
            request.space,
            self.kind,
            seed=request.seed,
            second_order=self.second_order,
            start=self.start,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            epochs=self.epochs,
        )

    def network(self, net: nn.Module) -> nn.Module:
        """The supernet of the search, which can run a mixture.

        Raises:
            SettingError: it cannot.
        """
        from pdas.nn.protocols import MixtureSupernet, check_shares_weights

        check_shares_weights(net)
        if not isinstance(net, MixtureSupernet):
            refuse(
                SettingError,
                "search.method",
                found=f"{self.name}, while {type(net).__name__} runs no mixture of its candidates",
                expected="a method that draws architectures",
                remedy="use pdas, enas, rsps, evolution or random",
            )
        try:
            net.relaxation(self.kind)
        except NetworkError as error:
            raise SettingError(f"search.method: {self.name} does not fit: {error}") from None
        return net


@METHODS.named("darts-1")
class Darts1(MixtureSettings):
    """DARTS of the first order: a step of the logits by D_theta, then one of the weights by D_W.

    Example:
        pdas.search(net, loss, data, method="darts-1").architecture
    """

    name: Literal["darts-1"] = "darts-1"


@METHODS.named("darts-2")
class Darts2(MixtureSettings):
    """DARTS of the second order: the gradient of the logits is that after a step of the weights.

    Example:
        pdas.search(net, loss, data, method="darts-2").architecture
    """

    second_order: ClassVar[bool] = True

    name: Literal["darts-2"] = "darts-2"


@METHODS.named("mixture")
class Mixture(MixtureSettings):
    """Gradient descent on a softmax of each variable, the most probable of which are the result.

    The logits start a hundred times as wide as those of DARTS, since equal slots of a node would
    stay equal.

    Example:
        pdas.search(net, loss, data, method="mixture").architecture
    """

    published: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    form: ClassVar[Form] = "unpublished"
    kind: ClassVar[Kind] = "variables"
    start: ClassVar[float] = 0.1

    name: Literal["mixture"] = "mixture"
