"""The method "bernoulli": the predecessor of PDAS, whose learning rate of theta is fixed.

Shirakawa et al., "Dynamic Optimization of Neural Network Structures Using Probabilistic Modeling",
AAAI 2018. Where all variables have two categories, its distribution is a product of Bernoulli ones.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pdas.methods.components import METHODS, MethodRequest, MethodSettings
from pdas.methods.pdas.optimizer import PDAS


@METHODS.named("bernoulli")
class Bernoulli(MethodSettings):
    """PDAS with eta = 1 / n, n = sum (K_i - 1), which does not adapt.

    Example:
        pdas.search(net, loss, data, method="bernoulli").architecture
    """

    smallest_tell: ClassVar[int] = 2  # ranks are relative

    name: Literal["bernoulli"] = "bernoulli"

    def build(self, request: MethodRequest) -> PDAS:
        return PDAS(request.space, seed=request.seed, samples=request.samples, eta="fixed")
