"""The command line for tests of faults: many checkpoints, and a line when a training begins."""

from __future__ import annotations

import random

import torch

from pdas import cli
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.resumable import Resumable


def main() -> None:
    """As `pdas`, with a checkpoint after about every third step."""
    torch.set_num_threads(1)
    coin, restore = random.Random(), Resumable.restore

    def restore_and_say(self: Resumable) -> int:
        step = restore(self)
        if self._checkpoints is not None:  # as the steps of a check have none
            print(f"begun at {step}", flush=True)
        return step

    Checkpoints.due = lambda self: coin.random() < 0.3  # type: ignore[method-assign]
    Resumable.restore = restore_and_say  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()
