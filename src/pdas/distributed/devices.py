"""The devices that the settings name: one process, or a rank of several."""

from __future__ import annotations

import math
import warnings
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from pdas.distributed.exchange.messages import exchanging
from pdas.distributed.fabric import DDPStrategy, Fabric, Precision, SingleDeviceStrategy
from pdas.distributed.settings import DeviceSettings
from pdas.support.errors import SettingError, reason
from pdas.support.refusals import refuse

TIMEOUT = timedelta(seconds=40)  # for a rank that does not answer, so a run ends in a minute
PATIENCE = timedelta(days=1)  # for one whose part takes longer than those of the others
GRADIENTS = timedelta(minutes=10)  # for sums on GPUs, which follow a message; see `Ddp`


class Ddp(DDPStrategy):
    """Fabric's data parallelism without the wrapper of torch. `Ranks` adds up the gradients.

    Messages (what was measured, when to stop) go through the CPU, where a rank that is lost is an
    exception at once, and one that hangs after `TIMEOUT`. NCCL would end the process from a thread
    of its own, without a line. Only sums of large tensors are left to it. Each follows a message,
    so ranks are near to each other there, and its timeout is that of a slow compilation.

    Args:
        settings: further ones of `DDPStrategy`.

    Attributes:
        messages: the group of processes for messages.
        patient_messages: that for what takes some ranks much longer. Both notice at once that a
            rank has ended.

    Example:
        fabric = Fabric(devices=2, strategy=Ddp())
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(timeout=TIMEOUT, **settings)
        self.messages: Any = None
        self.patient_messages: Any = None

    def setup_environment(self) -> None:
        """Join the processes, and make the groups for messages."""
        if self.root_device.type != "cpu":
            self._timeout = GRADIENTS
        super().setup_environment()
        self.messages = dist.new_group(timeout=TIMEOUT, backend="gloo")
        self.patient_messages = dist.new_group(timeout=PATIENCE, backend="gloo")

    @torch.no_grad()
    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        """Give every rank the weights of rank 0."""
        with exchanging():
            dist.barrier(group=self.messages)  # which notices a rank that is lost
            for tensor in (*module.parameters(), *module.buffers()):
                sent = tensor.contiguous()
                dist.broadcast(sent, 0)
                tensor.copy_(sent)
        return module


def without_wrapper(fabric: Fabric, network: nn.Module) -> nn.Module:
    """A network that Fabric has set up, without Fabric's wrapper if that does nothing.

    The wrapper converts inputs and outputs to Fabric's precision. In "32-true" there is nothing to
    convert, and its calls take as long as a small layer.

    Args:
        fabric: that has set up the network.
        network: what `setup` returned.

    Returns:
        The module that was set up, or the wrapper.
    """
    kinds = (SingleDeviceStrategy, Ddp)
    plain = type(fabric.strategy) in kinds and type(fabric.strategy.precision) is Precision
    return network.module if plain else network  # type: ignore[return-value]


def open_fabric(settings: DeviceSettings) -> Fabric:
    """The `Fabric` for the devices of the settings.

    Raises:
        SettingError: the machine, or the launcher of this process, has other devices; or the device
            does not have the precision.

    Example:
        fabric = open_fabric(DeviceSettings(accelerator="cpu"))
    """
    several = settings.ranks > 1
    try:
        with warnings.catch_warnings():
            # This is refused below, in one line.
            warnings.filterwarnings("ignore", ".*AMP with fp16 is not supported")
            fabric = Fabric(
                accelerator=settings.accelerator,
                devices=settings.devices,
                num_nodes=settings.machines,
                strategy=Ddp() if several else "auto",
                precision=settings.precision,
            )
    except (RuntimeError, ValueError, TypeError) as error:
        raise _refusal(settings, error) from None
    if settings.precision == "16-mixed" and fabric.device.type == "cpu":
        refuse(
            SettingError,
            "device.precision",
            found="'16-mixed' on the CPU, which has no such precision",
            expected="bf16-mixed or 32-true",
            remedy="change it, or the device",
        )
    if several:
        fabric.launch()
    return fabric


def fresh_precision(fabric: Fabric) -> None:
    """Reset the loss scale of an earlier training, if there is one, as in a new Fabric."""
    precision: Any = fabric.strategy.precision
    if loss_scaler(fabric) is not None:
        precision.scaler = torch.amp.GradScaler(fabric.device.type)


def loss_scaler(fabric: Fabric) -> torch.amp.GradScaler | None:
    """What scales losses in 16-bit precision; None in any other."""
    scaler: torch.amp.GradScaler | None = getattr(fabric.strategy.precision, "scaler", None)
    return scaler


def check_fabric(fabric: Fabric) -> None:
    """Check that several processes have the strategy `Ddp`.

    Raises:
        SettingError: they have another one.
    """
    if fabric.world_size > 1 and not isinstance(fabric.strategy, Ddp):
        refuse(
            SettingError,
            "fabric",
            found=f"{fabric.world_size} processes by {type(fabric.strategy).__name__}",
            expected="pdas.distributed.devices.Ddp, which leaves gradients to the search",
            remedy="use Fabric(strategy=Ddp(), ...)",
        )


def check_norms(net: nn.Module, ranks: int) -> None:
    """Check that no layer of a searched network waits for other ranks in its forward pass.

    Ranks run other architectures, so one that calls such a layer would wait for ever for one that
    does not. The batches are the same on all ranks, so nothing would be gained.

    Args:
        net: the supernet.
        ranks: how many there are.

    Raises:
        SettingError: there are several, and a `SyncBatchNorm`.
    """
    if ranks == 1:
        return
    for name, module in net.named_modules():
        if isinstance(module, nn.SyncBatchNorm):
            refuse(
                SettingError,
                "net",
                found=f"SyncBatchNorm as {name!r} in a search on {ranks} devices, which run other "
                "architectures and need not all call it",
                expected="BatchNorm, which sees whole batches on each device",
                remedy="replace it, or use one device",
            )


def check_samples(setting: str, samples: int, ranks: int) -> None:
    """Check that all ranks have the same number of architectures.

    Args:
        setting: the name of the number in `search`, for messages.
        samples: architectures on all ranks together.
        ranks: how many there are.

    Raises:
        SettingError: `samples` is no multiple of `ranks`.
    """
    if samples % ranks:
        fits = math.ceil(samples / ranks) * ranks
        refuse(
            SettingError,
            f"search.{setting}",
            found=str(samples),
            expected=f"a multiple of the {ranks} devices, of which each runs as many architectures",
            remedy=f"set it to {fits}, or use fewer devices",
        )


def _refusal(settings: DeviceSettings, error: Exception) -> SettingError:
    """The error for devices that Fabric cannot use."""
    if settings.ranks == 1:
        return SettingError(
            f"device.accelerator: found {settings.accelerator!r}, which this machine does not "
            "have; set it to auto"
        )
    return SettingError(
        f"device.devices: found {settings.devices} of accelerator {settings.accelerator!r} on "
        f"{settings.machines} machine(s), which cannot be had ({reason(error)}); "
        "set devices and machines to what there is"
    )
