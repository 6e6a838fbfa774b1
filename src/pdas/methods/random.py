"""The method "random": one architecture drawn uniformly, without a search, as a baseline."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from pdas.methods.components import METHODS, STEPS, MethodRequest, MethodSettings
from pdas.methods.fixed import Fixed
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

DRAWS = 10_000  # at most, until one is within the limits


@METHODS.named("random")
class Random(MethodSettings):
    """Draws one architecture uniformly, within the limits if there are any.

    Example:
        pdas.search(net, loss, data, method="random").architecture
    """

    trains: ClassVar[bool] = False
    unused: ClassVar[frozenset[str]] = STEPS

    name: Literal["random"] = "random"

    def build(self, request: MethodRequest) -> Fixed:
        rng = np.random.default_rng(request.seed)
        for _ in range(DRAWS):
            architecture = request.space.uniform(rng)
            if all(limit.holds(architecture) for limit in request.limits):
                return Fixed(architecture)
        refuse(
            SettingError,
            "search.limit",
            found=f"no architecture within it in {DRAWS:,} uniform draws",
            expected="some",
            remedy="raise limit.maximum",
        )
