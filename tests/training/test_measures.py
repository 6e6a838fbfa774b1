"""Measures as plain numbers, all in one look at the device."""

from __future__ import annotations

import torch

from pdas.training.measures import all_numbers, detached, numbers
from tests.standin.device import DEVICE, READ, Watch


def test_each_number_is_that_of_its_own_type() -> None:
    loss = torch.tensor([[0.1]], requires_grad=True)
    large = torch.tensor(2**40 + 1)  # which single precision cannot hold
    first = {"loss": loss, "images": large, "rate": 0.3}
    second = {"right": torch.tensor(True), "loss": torch.tensor(0.2), "count": 3}
    half = {"loss": torch.tensor(0.1, dtype=torch.bfloat16)}
    found = all_numbers([first, second, {}, half])
    assert found == [
        {"loss": float(loss.detach()), "images": 2.0**40 + 1, "rate": 0.3},
        {"right": 1.0, "loss": float(torch.tensor(0.2)), "count": 3.0},
        {},
        {"loss": 0.10009765625},
    ]
    assert all(type(value) is float for each in found for value in each.values())
    assert [list(each) for each in found] == [list(each) for each in (first, second, {}, half)]
    assert numbers(first) == found[0]


def test_the_host_waits_once() -> None:
    loss = torch.ones((), device=DEVICE)
    with Watch() as watch:
        all_numbers([{"loss": loss, "accuracy": loss}, {"loss": loss, "rate": 0.1}])
    assert [found.kind for found in watch.found] == [READ]


def test_what_is_detached_keeps_nothing_of_a_backward_pass() -> None:
    loss = (torch.ones(3, requires_grad=True) * 2).sum()
    found = detached({"loss": loss, "rate": 0.1})
    assert isinstance(found["loss"], torch.Tensor) and not found["loss"].requires_grad
    assert found["rate"] == 0.1
