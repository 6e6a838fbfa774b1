"""Limit and penalty of a recipe: costs by name, of the networks of its architecture family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from pdas.cost.base import Quantity
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pdas.cost import Cost
    from pdas.nn.counting.latencies import Latencies

MakeNet: TypeAlias = "Callable[[], nn.Module]"


class LimitSettings(Settings):
    """No architecture may cost more than `maximum`; see `pdas.Limit`.

    It is in the unit of the cost: for a latency, of one input, in milliseconds.

    Example:
        LimitSettings(cost="parameters", maximum=1e6)
    """

    cost: Quantity
    maximum: float


class PenaltySettings(Settings):
    """What costs more than `target` is worth less, the more so the larger `weight`.

    See `pdas.Penalty`. The target is in the unit of the cost, as a limit is.

    Example:
        PenaltySettings(cost="multiply_adds", target=5e7, weight=0.1)
    """

    cost: Quantity
    target: float = Field(gt=0)
    weight: float = Field(gt=0)


class TaskSearchSettings(SearchSettings):
    """Settings of a search by a recipe: costs are named, since a recipe holds no functions.

    Example:
        TaskSearchSettings(limit=LimitSettings(cost="parameters", maximum=1e6))
    """

    limit: tuple[LimitSettings, ...] = ()  # [never above](limits.md); or a list of several
    penalty: PenaltySettings | None = None  # [rather not above](limits.md)

    @field_validator("limit", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        if value is None:
            return ()
        values = value if isinstance(value, list | tuple) else (value,)
        if not all(isinstance(each, Mapping | LimitSettings) for each in values):
            raise ValueError(
                "expected one as {cost: parameters, maximum: 100000}, or a list of them"
            )
        return values

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


class Costs:
    """The costs of the networks of a recipe, by name.

    Args:
        net: makes the supernet; it is called only if a cost is asked for.
        x: an example input, a batch of one.
        latencies: returns what was measured; it is called only if the latency is asked for.

    Attributes:
        latencies: what was measured, if it was asked for.

    Example:
        Costs(task.supernet, task.example, measure)["parameters"](architecture)
    """

    def __init__(self, net: MakeNet, x: Tensor, latencies: Callable[[], Latencies]) -> None:
        self._net = net
        self._x = x
        self._measure = latencies
        self.latencies: Latencies | None = None

    def __getitem__(self, name: Quantity) -> Cost:
        """The cost of this name.

        Raises:
            SettingError: the networks have none.
        """
        net: Any = self._net()
        if name == "latency":
            self.latencies = self.latencies or self._measure()
            return self.latencies.cost(net)
        if not callable(getattr(net, "cost", None)):
            refuse(
                SettingError,
                "search.limit.cost",
                found=f"{name!r}, while {type(net).__name__} has no cost()",
                expected="a supernet with cost(name, images)",
                remedy="leave limit and penalty out",
            )
        cost: Cost = net.cost(name, self._x)
        return cost


def limits_of(settings: TaskSearchSettings, costs: Costs) -> tuple[Limit, ...]:
    """The limits of a recipe."""
    return tuple(Limit(costs[each.cost], each.maximum) for each in settings.limit)


def penalty_of(settings: TaskSearchSettings, costs: Costs) -> Penalty | None:
    """The penalty of a recipe, if it has one."""
    chosen = settings.penalty
    if chosen is None:
        return None
    return Penalty(costs[chosen.cost], chosen.target, chosen.weight)
