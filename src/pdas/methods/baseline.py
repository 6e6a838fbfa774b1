"""The method "base": the paper's BASE, a plain architecture of the depth of a given one."""

from __future__ import annotations

from typing import ClassVar, Literal

from pdas.methods.components import METHODS, MethodRequest, MethodSettings
from pdas.methods.fixed import Fixed
from pdas.support.errors import SettingError, SpaceError
from pdas.support.refusals import refuse


@METHODS.named("base")
class Base(MethodSettings):
    """BASE (section 4.2): the same chain of layers, all alike.

    Attributes:
        like: the `architecture.json` that has its depth.
    """

    trains: ClassVar[bool] = False

    name: Literal["base"] = "base"
    like: str

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
                f"search.method.like: {error}; give an architecture of these network settings"
            ) from None
