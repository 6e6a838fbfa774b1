"""Limit and penalty of a recipe: costs by name, of the networks of its architecture family."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pdas.cost import Cost

MakeNet: TypeAlias = "Callable[[], nn.Module]"
CostName = Literal["parameters", "multiply_adds", "latency"]


class LimitSettings(Settings):
    """No architecture may cost more than `maximum`, in the unit of the cost; see `pdas.Limit`.

    Example:
        LimitSettings(cost="parameters", maximum=1e6)
    """

    cost: CostName
    maximum: float


class PenaltySettings(Settings):
    """What costs more than `target` is worth less, the more so the larger `weight`.

    See `pdas.Penalty`.

    Example:
        PenaltySettings(cost="multiply_adds", target=5e7, weight=0.1)
    """

    cost: CostName
    target: float = Field(gt=0)
    weight: float = Field(gt=0)


class TaskSearchSettings(SearchSettings):
    """Settings of a search by a recipe: costs are named, since a recipe holds no functions.

    Example:
        TaskSearchSettings(limit=LimitSettings(cost="parameters", maximum=1e6))
    """

    limit: tuple[LimitSettings, ...] = ()  # one, or a list of several that must all hold
    penalty: PenaltySettings | None = None

    @field_validator("limit", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        if value is None:
            return ()
        return value if isinstance(value, list | tuple) else (value,)

    @model_validator(mode="after")
    def _as_many_samples_as_the_method_compares(self) -> Self:
        # In Python a method may come as an object, so there `method_for` checks this.
        least = self.method.smallest_tell
        if self.samples < least:
            raise ValueError(
                f".samples: found {self.samples}, expected at least {least}, whose losses the "
                f"method {self.method.name} compares; set search.samples={least}"
            )
        return self


def limits_of(settings: TaskSearchSettings, net: MakeNet, x: Tensor) -> tuple[Limit, ...]:
    """The limits of a recipe.

    Args:
        net: makes the supernet; it is called only if there are limits.
        x: an example input, a batch of one.

    Raises:
        SettingError: no architecture has so small a cost, or the supernet has no costs.
    """
    return tuple(Limit(_cost(net(), each.cost, x), each.maximum) for each in settings.limit)


def penalty_of(settings: TaskSearchSettings, net: MakeNet, x: Tensor) -> Penalty | None:
    """The penalty of a recipe; the arguments are those of `limits_of`."""
    chosen = settings.penalty
    if chosen is None:
        return None
    return Penalty(_cost(net(), chosen.cost, x), chosen.target, chosen.weight)


def _cost(net: Any, name: str, x: Tensor) -> Cost:
    if not callable(getattr(net, "cost", None)):
        refuse(
            SettingError,
            "search.limit.cost",
            found=f"{name!r}, while {type(net).__name__} has no cost()",
            expected="a supernet with cost(name, images)",
            remedy="leave limit and penalty out",
        )
    cost: Cost = net.cost(name, x)
    return cost
