"""The method "base": the paper's BASE, a plain architecture as deep as another one."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from pdas.methods.components import METHODS, STEPS, MethodRequest, MethodSettings
from pdas.methods.fixed import Fixed
from pdas.support.errors import SettingError, SpaceError
from pdas.support.refusals import refuse


@METHODS.named("base")
class PaperBase(MethodSettings):
    """BASE (section 4.2): a chain of equal layers, as deep as another architecture.

    Attributes:
        like: the `architecture.json` of the other one.

    Example:
        PaperBase(like="runs/digits-0/architecture.json").build(request).best()
    """

    trains: ClassVar[bool] = False
    unused: ClassVar[frozenset[str]] = STEPS

    name: Literal["base"] = "base"
    like: str = Field("", validate_default=True)

    @field_validator("like")
    @classmethod
    def _is_named(cls, like: str) -> str:
        if not like:
            raise ValueError(
                "expected the file of an architecture, whose depth it has; "
                "add search.method.like=RUN/architecture.json"
            )
        return like

    def build(self, request: MethodRequest) -> Fixed:
        if request.baseline is None:
            refuse(
                SettingError,
                "search.method",
                found="base",
                expected="an architecture family with a plain architecture of its own",
                remedy="use another method",
            )
        try:
            return Fixed(request.baseline(request.space.load(self.like)))
        except SpaceError as error:
            raise SettingError(
                f"search.method.like: {error}; name an architecture of these network settings"
            ) from None
