"""The method "smash": weights of a hypernetwork, and a local search among architectures.

Brock et al., "SMASH: One-Shot Model Architecture Search through HyperNetworks", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import FINALISTS, METHODS, Form, MethodRequest
from pdas.methods.optimizer import Optimizer
from pdas.methods.scheduled.settings import ScheduledSettings
from pdas.methods.smash.local_search import RandomThenLocal
from pdas.methods.uniform import Uniform
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from torch import nn

    from pdas.methods.base import SearchMethod


@METHODS.named("smash")
class SmashSettings(ScheduledSettings):
    """SMASH on cells.

    Attributes:
        epochs: see `ScheduledSettings`.
        random, changed, chain: candidates at the end, see `RandomThenLocal`.

    Example:
        pdas.search(net, loss, data, method="smash").architecture
    """

    unused: ClassVar[frozenset[str]] = (
        ScheduledSettings.unused | FINALISTS | {"patience", "train_weights"}
    )
    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "search.method.epochs": 100,
            "search.method.random": 500,
            "search.method.changed": 100,
            "search.method.chain": 100,
        }
    )
    form: ClassVar[Form] = "reduced"

    name: Literal["smash"] = "smash"
    random: int = Field(100, ge=1)
    changed: int = Field(20, ge=0)
    chain: int = Field(20, ge=0)

    def build(self, request: MethodRequest) -> Uniform:
        return Uniform(request.space, seed=request.seed, samples=request.samples)

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.smash.search_method import SmashSearch

        comparison = RandomThenLocal(self.random, self.changed, self.chain)
        return SmashSearch(optimizer, learner, comparison, self.epochs)

    def network(self, net: nn.Module) -> nn.Module:
        """The supernet of the search with a hypernetwork.

        Raises:
            SettingError: there is none for it.
        """
        from pdas.nn.protocols import check_shares_weights

        check_shares_weights(net)
        make = getattr(net, "with_hypernetwork", None)
        if make is None:
            refuse(
                SettingError,
                "search.method",
                found=f"smash, while there is no hypernetwork for {type(net).__name__}",
                expected="a method that fits it",
                remedy="use pdas, rsps, enas, evolution or random",
            )
        hyper: nn.Module = make()
        return hyper
