"""The arguments of `pdas.search`, checked and completed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

from torch import nn

from pdas.distributed.devices import check_samples
from pdas.distributed.fabric import Fabric
from pdas.methods.base import SearchMethod
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.optimizer import made_with
from pdas.methods.planning.plan import MOST_FINALISTS, Plan, PlanRequest
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Derive, Trial
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.fingerprint import of_function, of_training
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NetworkError, SettingError
from pdas.support.random_state import at_seed
from pdas.support.refusals import refuse
from pdas.training.measures import Loss, check_loss
from pdas.training.stopping import DECIDED


def space_of(net: nn.Module) -> SearchSpace:
    """The search space of a network.

    Raises:
        SettingError: it has none.
    """
    space = getattr(net, "space", None)
    if not isinstance(space, SearchSpace):
        raise SettingError(
            f"net: {type(net).__name__} has no search space, expected pdas.nn.Supernet(module) "
            "of a module with choices, or a module with an attribute `space`, a pdas.SearchSpace, "
            "and `forward(x, architecture)`; devices are chosen by `fabric`, without a wrapper"
        )
    return space


def check_kinds(loss: object, limit: object, penalty: object, weights: object = None) -> None:
    """Check the types of four arguments of `pdas.search`.

    Raises:
        SettingError: one is of another type.
    """
    check_loss(loss)
    if weights is not None and not callable(weights):
        refuse(
            SettingError,
            "weights",
            found=type(weights).__name__,
            expected="a function weights(parameters) that makes their optimizer",
            remedy="set optimizer= to choose one by its name",
        )
    if isinstance(limit, Sequence) and not limit:
        refuse(
            SettingError,
            "limit",
            found="an empty list",
            expected="one pdas.Limit, or several",
            remedy="leave it out for none",
        )
    limits = limit if isinstance(limit, Sequence) else [limit]
    for name, value, kind in (
        *(("limit", each, Limit) for each in limits),
        ("penalty", penalty, Penalty),
    ):
        if value is not None and not isinstance(value, kind):
            refuse(
                SettingError,
                name,
                found=type(value).__name__,
                expected=f"one pdas.{kind.__name__}",
                remedy="make it of net.cost(...)",
            )


def most_networks(space: SearchSpace) -> int:
    """The largest number of finalists: at most the number of architectures in the space."""
    networks: int = math.prod(space.sizes.tolist())
    return min(networks, MOST_FINALISTS)


def make_plan(
    method: SearchMethod,
    net: nn.Module,
    loss: Loss,
    settings: SearchSettings,
    loaders: tuple[Loader, Loader],
) -> Plan:
    """Let the method of a search make its plan, and check the settings against it.

    Args:
        method: of the search.
        net: the supernet.
        loss: of the search.
        settings: of the search.
        loaders: batches of D_W and of D_theta.

    Raises:
        SettingError: the length of the search is too short for its settings.
    """

    def example() -> Any:
        batches = ResumableBatches(loaders[0])
        with at_seed(0, batches.generators):
            return next(batches)

    per_epoch, theta_per_epoch = map(len, loaders)
    most = most_networks(space_of(net))
    plan = method.plan(PlanRequest(settings, per_epoch, theta_per_epoch, most, net, loss, example))
    if method.trains_weights:
        _check_warmup_of_rate(settings, plan.steps, per_epoch)
    return plan


def _check_warmup_of_rate(settings: SearchSettings, steps: int, per_epoch: int) -> None:
    """Refuse one that is longer than what finalists leave of the length for steps."""
    length = steps if settings.steps is not None else math.ceil(steps / per_epoch)
    if settings.warmup_of_rate > length:
        refuse(
            SettingError,
            "search.schedule.warmup",
            found=str(settings.warmup_of_rate),
            expected=f"at most {length}, the {settings.length} of the search without its finalists",
            remedy="lower it, or make the search longer",
        )


def derive_of(net: nn.Module, derive: Derive | None) -> Derive | None:
    """The function that makes the network of an architecture.

    Args:
        net: the supernet.
        derive: the argument of `pdas.search`.

    Returns:
        `derive`; else `net.derive` if it needs only an architecture; else None. Some supernets
        also need the size of images; their task passes a `derive` that knows it.
    """
    own: Derive | None = getattr(net, "derive", None)
    if derive is not None or own is None:
        return derive
    return own if _takes_an_architecture(own) else None


def _takes_an_architecture(derive: Derive) -> bool:
    try:
        inspect.signature(derive).bind(None)
    except TypeError:
        return False
    return True


def check_derive(
    net: nn.Module,
    derive: Derive | None,
    share: float,
    trial: Trial,
    architecture: Architecture,
) -> None:
    """Check that finalists have networks that can be trained, before the search begins.

    Args:
        net: the supernet.
        derive: see `derive_of`.
        share: of the search that trains finalists; 0 where the method itself trains networks.
        trial: derives the network.
        architecture: any one, which is tried.

    Raises:
        SettingError: there is no `derive`, it fails, or it makes no module.
    """
    found = f"search.finalists_share: found {share}, while " if share else "search.method: "
    remedy = "set finalists=0" if share else "use a method that shares weights"
    if derive is None:
        raise SettingError(
            f"{found}{type(net).__name__} has no derive(architecture) that makes a network of it; "
            f"pass derive=, or {remedy}"
        )
    if not callable(derive):
        expected = "a function that makes the network of an architecture"
        refuse(SettingError, "derive", found=type(derive).__name__, expected=expected)
    try:
        network: object = trial.network(derive, architecture)
    except NetworkError as error:
        raise SettingError(
            f"{found}no network can be derived to be trained ({error}); correct that, or {remedy}"
        ) from None
    if not isinstance(network, nn.Module):
        refuse(
            SettingError,
            "derive",
            found=f"that it makes a {type(network).__name__}",
            expected="a module with fresh weights",
            remedy=f"correct it, or {remedy}",
        )


def check_ranks(settings: SearchSettings, executor: object, ranks: int) -> None:
    """Check the number of samples and the executor.

    Args:
        settings: of the search.
        executor: the argument of `pdas.search`.
        ranks: how many there are.

    Raises:
        SettingError: the ranks cannot share the samples equally, or the executor is none or beside
            several ranks.
    """
    check_samples("samples", settings.samples, ranks)
    if executor is not None and not isinstance(executor, Executor):
        refuse(
            SettingError,
            "executor",
            found=type(executor).__name__,
            expected="one of concurrent.futures",
            remedy="leave it out to train finalists in this process",
        )
    if executor is not None and ranks > 1:
        refuse(
            SettingError,
            "executor",
            found=f"one beside {ranks} devices, which share the trainings of finalists already",
            expected="none",
            remedy="leave it out, or use one device",
        )


def check_decided(settings: SearchSettings, method: SearchMethod) -> None:
    """Check that the method can say how far it has decided, if that is to stop the search.

    Raises:
        SettingError: it cannot.
    """
    if settings.stop_when_decided is not None and DECIDED not in method.measures():
        refuse(
            SettingError,
            "search.stop_when_decided",
            found=f"{settings.stop_when_decided:g}, while {type(method).__name__} measures no "
            f"{DECIDED!r}",
            expected="none",
            remedy="leave it out, or use another method",
        )


def given_to(
    net: nn.Module,
    loss: Loss,
    loaders: tuple[Loader, Loader],
    method: SearchMethod,
    fabric: Fabric,
    derive: Derive | None,
) -> dict[str, object]:
    """What a search was given, which a resumed one must have the same; see `Frozen`.

    Args:
        net: the supernet.
        loss: of the search.
        loaders: batches of D_W and of D_theta.
        method: with its limits and penalty; None of both is a value too.
        fabric: devices and precision.
        derive: makes the network of a finalist; None where none is trained.
    """
    space = space_of(net)
    inner = getattr(net, "module", net)
    given: dict[str, object] = {
        "space": list(space.names),
        **{f"space.{name}": list(space[name]) for name in space.names},
        **of_training("net", inner if isinstance(inner, nn.Module) else net, loaders, fabric),
        "limit": None,
        "penalty": None,
        **made_with(method),
    }
    for name, function in (("loss", loss), ("derive", derive)):
        if function is not None:
            given[name], given[f"code of {name}"] = of_function(function)
    return given
