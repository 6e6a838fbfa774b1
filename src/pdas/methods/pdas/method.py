"""The method "pdas"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, field_validator

from pdas.methods.components import METHODS, MethodRequest, MethodSettings
from pdas.methods.pdas.optimizer import PDAS


@METHODS.named("pdas")
class PdasSettings(MethodSettings):
    """Settings of `pdas.PDAS`; the defaults are the paper's."""

    smallest_tell: ClassVar[int] = 2  # ranks are relative
    published: ClassVar[Mapping[str, Any]] = MappingProxyType({"search.epochs": 200})

    name: Literal["pdas"] = "pdas"
    eta: Literal["adaptive", "fixed"] | Annotated[float, Field(gt=0)] = "adaptive"  # (13), or 1/n
    eta_scale: float = Field(1.0, gt=0, le=1)  # of eta_max (13), at which adaptive eta starts
    alpha: float = Field(1.5, gt=0)  # threshold of adaptive eta

    @field_validator("eta", mode="wrap")
    @classmethod
    def _eta_is_a_name_or_a_number(cls, value: object, check: Callable[[object], Any]) -> Any:
        try:
            return check(value)
        except ValidationError:  # one line of its own: pydantic would have one for each kind
            raise ValueError("expected 'adaptive', 'fixed' or a number above 0") from None

    def build(self, request: MethodRequest) -> PDAS:
        return PDAS(
            request.space,
            seed=request.seed,
            samples=request.samples,
            eta=self.eta,
            eta_scale=self.eta_scale,
            alpha=self.alpha,
        )
