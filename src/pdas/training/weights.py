"""The weights of a network in training, on the devices of a Fabric."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from pdas.distributed.devices import loss_scaler, without_wrapper
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks, used_weights
from pdas.resume.fingerprint import of_function
from pdas.support.errors import NonFiniteLossError, SettingError, reason
from pdas.support.refusals import refusal, refuse
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.measures import Measures, numbers
from pdas.training.settings import TrainingSettings

ALMOST = 0.9  # of the largest norm; nearer to it, the factor may round below 1
_NORM = "norm"
SMALLEST_SCALE = 2.0**-10  # of a loss in 16 bits; some 26 overflows below that at the start


class WeightTraining:
    """Updates the weights of a network, which are the same on all ranks.

    Args:
        module: the network. It is put into training mode.
        settings: its optimizer, schedule and clipping.
        fabric: devices and precision.
        ranks: those of `fabric`.
        steps: of the whole training.
        per_epoch: steps in an epoch.
        make_optimizer: makes the optimizer, instead of the settings.
        make_schedule: makes the schedule, instead of the settings.

    Attributes:
        network: the module as set up by Fabric, which computes in Fabric's precision; see
            `without_wrapper`.
        optimizer: as set up by Fabric.
        beside: weights that another optimizer updates; their gradients are forgotten with these.
        given: what tells optimizer and schedule from others, if functions made them; see `Frozen`.

    Raises:
        SettingError: `make_optimizer` makes no optimizer, or `make_schedule` no schedule.

    Example:
        weights = WeightTraining(net, settings, fabric, Ranks(fabric), steps=100, per_epoch=10)
        weights.update(loss(weights.network, batch))
    """

    def __init__(
        self,
        module: nn.Module,
        settings: TrainingSettings,
        fabric: Fabric,
        ranks: Ranks,
        *,
        steps: int,
        per_epoch: int,
        make_optimizer: MakeOptimizer | None = None,
        make_schedule: MakeSchedule | None = None,
    ) -> None:
        self._fabric = fabric
        self._ranks = ranks
        self._clip = settings.clip
        self._own, self._schedule = optimizer_and_schedule(
            module,
            settings,
            steps=steps,
            stays=1 if settings.steps is not None else per_epoch,
            make_optimizer=make_optimizer,
            make_schedule=make_schedule,
        )
        self.given = _made_by(make_optimizer, make_schedule, self._own, self._schedule)
        wrapped, self.optimizer = fabric.setup(module.train(), self._own)
        self.network = without_wrapper(fabric, wrapped)
        self.beside: Sequence[nn.Parameter] = ()
        self._parameters = list(self.network.parameters())  # to look for them takes time

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return float(self._schedule.get_last_lr()[0])

    def update(self, loss: Tensor) -> None:
        """One update by the gradient of a loss.

        Args:
            loss: a scalar. With several ranks, the gradient is that of the mean of their losses.

        Raises:
            NonFiniteLossError: the gradient is not finite; the weights are unchanged.
        """
        self.clear()
        self._fabric.backward(loss / self._ranks.size)
        self.apply()

    def clear(self) -> None:
        """Forget all gradients, so that unused weights have none."""
        for parameter in chain(self._parameters, self.beside):
            parameter.grad = None

    @property
    def used(self) -> bytes:
        """Which weights have a gradient, as a word for the other ranks; see `used_weights`."""
        return b"" if self._ranks.size == 1 else used_weights(self._parameters)

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Multiply all gradients."""
        torch._foreach_mul_([p.grad for p in self._parameters if p.grad is not None], factor)

    def apply(self, used: Sequence[bytes] | None = None) -> None:
        """Update the weights by the clipped gradients of all ranks.

        Args:
            used: see `gradient`.

        Raises:
            NonFiniteLossError: the gradient is not finite; the weights are unchanged.
        """
        gradient = self.gradient(used)
        gradient.step(numbers(gradient.norm))

    def gradient(
        self, used: Sequence[bytes] | None = None, averaged: Sequence[Tensor] = ()
    ) -> Gradient:
        """That of all ranks, which the backward passes have left.

        Args:
            used: the word `used` of all ranks, if they are known; else they are exchanged.
            averaged: further tensors of all ranks, which are replaced by their mean.
        """
        self._ranks.add_gradients(self._parameters, used, averaged)
        return Gradient(self._fabric, self.optimizer, self._clip)

    def end_step(self) -> None:
        """Advance the schedule of the learning rate."""
        advance(self._schedule)

    def components(self) -> dict[str, Any]:
        """All that changes except the network, by its name in a checkpoint."""
        return {
            "weights": self._own,
            "schedule": self._schedule,
            "precision": self._fabric.strategy.precision,
        }


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


def _made_by(
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


class Gradient:
    """The gradient that backward passes have left, and the update of the weights by it.

    Its norm is on the device, so that it can be read together with what else the host waits for.

    Args:
        fabric: that has set up the network.
        optimizer: as set up by it.
        max_norm: the largest Euclidean norm; the update is scaled to it.

    Attributes:
        norm: its Euclidean norm, as measures; without any gradient there is none.

    Example:
        gradient = Gradient(fabric, optimizer, 5)
        measured, norm = all_numbers([{"loss": loss}, gradient.norm])
        gradient.step(norm)
    """

    def __init__(self, fabric: Fabric, optimizer: Any, max_norm: float) -> None:
        precision: Any = fabric.strategy.precision
        self._scaler = loss_scaler(fabric)
        self._optimizer = optimizer
        self._max_norm = max_norm
        own = optimizer.optimizer
        self._used = [p for p in precision.main_params(own) if p.grad is not None]
        self.norm: Measures = {}
        if self._used:  # a loss scaler would take it for a mistake if there were none
            precision.unscale_gradients(own)
            self.norm = {_NORM: nn.utils.get_total_norm(self._gradients)}

    @property
    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self._used if p.grad is not None]

    def step(self, norm: Mapping[str, float]) -> None:
        """Update the weights; without any gradient nothing happens.

        Args:
            norm: the numbers of `norm`.

        Raises:
            NonFiniteLossError: the norm is not finite; the weights are unchanged. In 16-bit
                precision, it stays so however small the loss is scaled.
        """
        if not self._used:
            return
        length = norm[_NORM]
        if not math.isfinite(length):
            _check_overflow(length, self._gradients, self._scaler)
        # Much below, PyTorch would multiply all of them by 1.
        if not length < ALMOST * self._max_norm:
            on_device = self.norm[_NORM]
            assert isinstance(on_device, Tensor)
            nn.utils.clip_grads_with_norm_(self._used, self._max_norm, on_device)
        self._optimizer.step()


def _check_overflow(length: float, gradients: Sequence[Tensor], scaler: GradScaler | None) -> None:
    """Check that a gradient which is not finite is one that the loss scaler passes over.

    In 16-bit precision some steps overflow, and the scaler halves its scale after each. So the
    scale, which is in every checkpoint, counts them: where it is tiny, it was not too large.
    """
    scale = ""
    if scaler is not None and scaler.is_enabled():
        sees_it = not all(bool(torch.isfinite(each).all()) for each in gradients)
        if sees_it and scaler.get_scale() >= SMALLEST_SCALE:
            return
        scale = f" at a loss scale of {scaler.get_scale():.2g}"
    refuse(
        NonFiniteLossError,
        "gradient",
        found=f"a norm of {length} for finite losses{scale}",
        expected="a finite one",
        remedy="lower the learning rate of the weights",
    )
