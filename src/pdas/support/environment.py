"""The software and hardware of a run."""

from __future__ import annotations

import platform
import shlex
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pdas._version import __version__
from pdas.support.cores import cores


def environment() -> dict[str, Any]:
    """Versions, hardware and the command, to be kept with a run."""
    import torch  # here, since the command line imports this module before it needs torch

    cuda = torch.cuda.is_available()
    return {
        "command": shlex.join(sys.argv),
        "pdas": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": version("torchvision"),
        "lightning-fabric": version("lightning-fabric"),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": platform.machine(),
        "processor_model": _processor_model(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "gpus": torch.cuda.device_count() if cuda else 0,
        "cuda": torch.version.cuda,
    }


def _processor_model() -> str:
    """The model of the processor, if the system knows it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
