"""Tensors on their way to a device; that nobody waits for them is seen on a stand-in for one."""

from __future__ import annotations

import torch

from pdas.distributed.transfer import moved, pins
from tests.standin.device import COPIED, DEVICE, SENT, Watch, stand_in


def test_a_tensor_that_is_there_is_the_same_one() -> None:
    x = torch.ones(3)
    assert moved(x, "cpu") is x
    assert not pins("cpu") and not pins("mps") and pins("cuda:1")


def test_only_a_device_that_reads_pinned_memory_gets_it() -> None:
    with Watch() as watch:
        moved(torch.ones(3), DEVICE)
    assert [found.kind for found in watch.found] == [COPIED]
    with stand_in(), Watch() as watch:
        assert moved(torch.ones(3), DEVICE).device == DEVICE
    assert [found.kind for found in watch.found] == [SENT]
