"""Settings of devices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.support.settings import Settings


class DeviceSettings(Settings):
    """The devices of a run and their precision; see Lightning Fabric.

    Example:
        DeviceSettings(accelerator="cuda", devices=2, precision="bf16-mixed").ranks
    """

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"  # auto: the best there is
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"  # 16-mixed: not on CPUs
    devices: int = Field(1, ge=1, le=1024)  # of each machine; there is one process for each
    machines: int = Field(1, ge=1, le=100_000)  # several need torchrun or SLURM
    strategy: Literal["auto", "ddp"] = "auto"  # of several devices; auto is ddp
    sync_batch_norm: bool = False  # of a retraining: over all devices
    tf32: bool = False  # NVIDIA GPUs may round float32 to TF32
    deterministic: bool = False  # makes GPUs so, and slower; CPUs always are
    kernels: Literal["auto", "library"] = "auto"  # [compiled operators](kernels.md) on CPUs, or not
    compile: bool = False  # retrainings, by torch.compile

    @property
    def ranks(self) -> int:
        """The number of processes of a training."""
        return self.devices * self.machines

    def kernels_obstacle(self, *, retraining: bool = False) -> str:
        """Why a network can have no compiled operators, whatever `kernels` is; empty if it can.

        Args:
            retraining: whether it is retrained, and not searched.
        """
        if self.precision != "32-true":
            return f"the precision is {self.precision}"
        return "torch.compile" if self.compile and retraining else ""
