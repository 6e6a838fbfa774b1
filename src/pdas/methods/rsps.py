"""The method "rsps": random sampling with parameter sharing.

Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.scheduled.settings import ScheduledSettings
from pdas.methods.uniform import Uniform


@METHODS.named("rsps")
class Rsps(ScheduledSettings):
    """Trains one uniformly drawn architecture a step, and compares random ones at the end.

    They are judged with the shared weights on the whole of D_theta. There are `search.finalists` of
    them, 100 by default, or as many as three tenths of the budget pay for. For `epochs` see
    `ScheduledSettings`.

    Example:
        pdas.search(net, loss, data, method="rsps").architecture
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1, "finalists": 100})
    unused: ClassVar[frozenset[str]] = ScheduledSettings.unused | {"patience"}
    published: ClassVar[Mapping[str, Any]] = MappingProxyType({"search.method.epochs": 100})

    name: Literal["rsps"] = "rsps"

    def build(self, request: MethodRequest) -> Uniform:
        return Uniform(request.space, seed=request.seed, samples=request.samples)
