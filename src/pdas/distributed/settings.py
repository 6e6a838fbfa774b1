"""Settings of devices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.support.settings import Settings


class DeviceSettings(Settings):
    """Where and how precisely it is computed; see Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"  # 16: not on CPUs
    devices: int = Field(1, ge=1)  # of each machine; every one has a process of its own
    machines: int = Field(1, ge=1)  # several need torchrun or SLURM
    strategy: Literal["auto", "ddp"] = "auto"  # of several devices; auto is ddp
    deterministic: bool = False  # the same twice on GPUs too, if slower, as CPUs compute anyway

    @property
    def ranks(self) -> int:
        """Processes of a training."""
        return self.devices * self.machines
