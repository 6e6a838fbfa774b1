"""The method of a search, made from the arguments of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pdas.methods.base import SearchMethod
from pdas.methods.components import (
    Baseline,
    MethodRequest,
    MethodSettings,
    checked_optimizer,
)
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.sampled.method import Sampled
from pdas.methods.settings import SearchSettings
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SettingError
from pdas.support.refusals import is_integer, refuse

MethodArgument = str | Mapping[str, Any] | MethodSettings | Optimizer | SearchMethod


def is_named(method: object) -> bool:
    """Whether an argument is the name or the settings of a method, and not the method itself."""
    return isinstance(method, str | Mapping | MethodSettings)


def proposes(method: object) -> bool:
    """Whether a method proposes several finalists, so that comparing them makes sense."""
    return (
        not isinstance(method, SearchMethod) or type(method).finalists is not SearchMethod.finalists
    )


def own_samples(method: object) -> dict[str, int]:
    """The setting `samples` of the user's own optimizer, if it has one."""
    samples: Any = None if is_named(method) else getattr(method, "samples", None)
    return {"samples": samples} if is_integer(samples) else {}


def method_for(
    space: SearchSpace,
    method: MethodArgument | None,
    settings: SearchSettings,
    limit: Limit | Sequence[Limit] | None,
    penalty: Penalty | None,
    seed: int,
    baseline: Baseline | None = None,
) -> SearchMethod:
    """The method of a search.

    Args:
        space: the space that is searched.
        method: the argument of `pdas.search`. A name is also in the settings.
        settings: their `method` is built if the argument is a name, settings or None.
        limit: put around an optimizer.
        penalty: put around an optimizer.
        seed: of all that the method draws.
        baseline: see `MethodRequest`.

    Raises:
        SettingError: it is no method, does not fit the space, or cannot have a limit or a penalty.
    """
    limits = () if limit is None else (limit,) if isinstance(limit, Limit) else tuple(limit)
    named = method is None or is_named(method)
    built: object = method
    if named:
        own = settings.method
        _check_samples(settings, settings.samples, own.smallest_tell, f"the method {own.name}")
        request = MethodRequest(space, seed, settings.samples, limits, baseline)
        built = settings.method.build(request)
    if isinstance(built, SearchMethod):
        if built.trains:
            _refuse_constraints(built, limits, penalty)
        else:
            _check_known(built.best(), limits, penalty)
        return built
    optimizer = checked_optimizer(built, space)
    sampler: Optimizer = Limited(optimizer, limits) if limits else optimizer
    learner: Optimizer = sampler if penalty is None else Penalised(sampler, penalty)
    driver = settings.method.driver(sampler, learner) if named else Sampled(sampler, learner)
    if isinstance(driver, Sampled):
        told = settings.theta_samples or settings.samples
        _check_samples(settings, told, optimizer.smallest_tell, type(optimizer).__name__)
    return driver


def _refuse_constraints(
    method: SearchMethod, limits: Sequence[Limit], penalty: Penalty | None
) -> None:
    for name, value in (("limit", limits), ("penalty", penalty)):
        if value:
            refuse(
                SettingError,
                name,
                found=f"one beside {type(method).__name__}, which draws no architectures",
                expected="an optimizer with ask and tell, around which it is put",
                remedy=f"leave out {name}=, or use another method",
            )


def _check_known(
    architecture: Architecture, limits: Sequence[Limit], penalty: Penalty | None
) -> None:
    """Check the architecture of a method that does not train."""
    for limit in limits:
        if not limit.holds(architecture):
            refuse(
                SettingError,
                "limit.maximum",
                found=f"{limit.maximum!r}, below the cost of the method's architecture, "
                f"{limit.cost(architecture)!r}",
                expected="one within the limit",
                remedy="raise it, or use another method",
            )
    if penalty is not None:
        refuse(
            SettingError,
            "penalty",
            found="one beside a method that does not train",
            expected="none",
            remedy="leave it out, or use another method",
        )


def _check_samples(settings: SearchSettings, told: int, smallest: int, name: str) -> None:
    if told < smallest:
        refuse(
            SettingError,
            "search.samples",
            found=str(settings.samples),
            expected=f"at least {smallest}, whose losses {name} compares",
            remedy=f"set samples={smallest}",
        )
