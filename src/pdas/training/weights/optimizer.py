"""The optimizer of a module's weights and its schedule, of settings or of a user's functions."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from pdas.resume.fingerprint import of_function
from pdas.support.errors import SettingError, reason
from pdas.support.refusals import refusal, refuse
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.settings import TrainingSettings


def optimizer_and_schedule(
    module: nn.Module,
    settings: TrainingSettings,
    *,
    steps: int,
    stays: int,
    make_optimizer: MakeOptimizer | None,
    make_schedule: MakeSchedule | None,
) -> tuple[Optimizer, LRScheduler]:
    """The optimizer of a module's weights, and the schedule of its learning rate.

    Args:
        module: whose weights are trained.
        settings: which make both, where no function is passed for it.
        steps: of the whole training.
        stays: for how many steps the schedule of the settings keeps the learning rate.
        make_optimizer: makes the optimizer, instead of the settings.
        make_schedule: makes the schedule, instead of the settings.

    Raises:
        SettingError: one of these functions makes something else.
    """
    optimizer: Any
    if make_optimizer is None:
        optimizer = settings.optimizer.make(module.parameters())
    else:
        optimizer = _made("weights", "weights(parameters)", make_optimizer, module.parameters())
    if not isinstance(optimizer, Optimizer):
        _refuse_kind("weights", optimizer, "a torch.optim.Optimizer", "weights(parameters)")
    _check_step("weights", optimizer)
    if make_schedule is None:
        return optimizer, settings.schedule.make(optimizer, steps, stays)
    call = "schedule(optimizer, steps)"
    schedule = _made("schedule", call, make_schedule, optimizer, steps)
    if not isinstance(schedule, LRScheduler):
        _refuse_kind("schedule", schedule, "a schedule of torch", call)
    _check_step("schedule", schedule)
    return optimizer, schedule


def advance(schedule: LRScheduler) -> None:
    """Let a schedule take its next step, also where a loss scaler passed the update over."""
    if getattr(schedule, "last_epoch", 0) > 0:
        schedule.step()
        return
    with warnings.catch_warnings():  # PyTorch takes a first update that was passed over for missing
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        schedule.step()


def made_by(
    make_optimizer: MakeOptimizer | None,
    make_schedule: MakeSchedule | None,
    optimizer: Optimizer,
    schedule: LRScheduler,
) -> dict[str, object]:
    """The types and plain numbers of what functions made, before the first step.

    A type is None where the settings made it, so that a function that is new or missing is seen.
    """
    given: dict[str, object] = {"weights": {"type": None}, "schedule": {"type": None}}
    if make_optimizer is not None:
        groups = optimizer.state_dict()["param_groups"]
        plain = {str(i): _plain(group) for i, group in enumerate(groups)}
        given |= {"weights": {"type": type(optimizer).__name__, **plain}}
        given["code of weights"] = of_function(make_optimizer)[1]
    if make_schedule is not None:
        given["schedule"] = {"type": type(schedule).__name__, **_plain(schedule.state_dict())}
        given["code of schedule"] = of_function(make_schedule)[1]
    return given


def _plain(values: Mapping[str, Any]) -> dict[str, object]:
    """The numbers, texts and lists of these among some values."""
    plain = {name: float(x) if isinstance(x, Tensor) else x for name, x in values.items()}
    kinds = int | float | str
    return {
        name: value
        for name, value in plain.items()
        if isinstance(value, kinds)
        or (isinstance(value, list | tuple) and all(isinstance(each, kinds) for each in value))
    }


def _made(argument: str, call: str, make: Callable[..., Any], *inputs: Any) -> Any:
    """What a function of the user makes."""
    try:
        return make(*inputs)
    except (TypeError, AttributeError, ValueError) as error:
        raise refusal(
            SettingError,
            argument,
            found=f"that {call} fails ({type(error).__name__}: {reason(error)})",
            expected="a function of these arguments",
            remedy="mend it",
        ) from error


def _check_step(argument: str, made: Any) -> None:
    """Refuse one whose step needs arguments, as a closure or a measure."""
    try:
        inspect.signature(made.step).bind()
    except TypeError:
        refuse(
            SettingError,
            argument,
            found=f"{type(made).__name__}, whose step needs arguments",
            expected="one with step()",
            remedy="use another",
        )


def _refuse_kind(argument: str, found: object, expected: str, call: str) -> None:
    refuse(
        SettingError,
        argument,
        found=f"that {call} makes {type(found).__name__}",
        expected=expected,
        remedy="return one",
    )
