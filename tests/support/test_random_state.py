"""The state of all random generators, there and back."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import torch

from pdas.support.random_state import at_seed, random_state, set_random_state


def draws(generator: torch.Generator) -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),  # keeps a second one for later
        float(np.random.rand()),
        float(np.random.randn()),  # so does this
        float(torch.rand(())),
        float(torch.randn(())),
        float(torch.rand((), generator=generator)),
    ]


def test_draws_go_on_from_a_state_also_after_a_file() -> None:
    generator = torch.Generator().manual_seed(3)
    draws(generator)
    file = io.BytesIO()
    torch.save(random_state([generator]), file)
    expected = [draws(generator) for _ in range(3)]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    generator.manual_seed(1)
    file.seek(0)
    set_random_state(torch.load(file, weights_only=True), [generator])
    assert [draws(generator) for _ in range(3)] == expected


@pytest.mark.parametrize("name", ["python", "numpy"])
def test_a_state_that_stands_for_more_than_there_is_memory_for_is_refused(name: str) -> None:
    state = random_state()
    endless = torch.zeros(1, dtype=torch.int64).expand(10**13)
    before, _, *rest = state[name]
    state[name] = (before, endless, *rest)
    with pytest.raises(ValueError, match="a generator of 10000000000000 numbers"):
        set_random_state(state)


class Machine:
    """A machine with GPUs, of which each has a generator: in place of `torch.cuda`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, gpus: int) -> None:
        self.states = [torch.Generator().manual_seed(i).get_state() for i in range(gpus)]
        generator = torch.Generator
        monkeypatch.setattr(torch, "get_device_module", lambda device: self)
        monkeypatch.setattr(torch, "Generator", lambda *_: generator())

    def get_rng_state(self, device: torch.device) -> torch.Tensor:
        return self.states[device.index].clone()

    def set_rng_state(self, state: torch.Tensor, device: torch.device) -> None:
        self.states[device.index] = state.clone()


def test_of_the_devices_only_that_of_the_training_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Machine(monkeypatch, gpus=8)
    state = random_state(device=torch.device("cuda", 5))
    fifth = large.states[5]
    small = Machine(monkeypatch, gpus=2)
    first = small.states[0]
    set_random_state(state, device=torch.device("cuda", 1))
    assert torch.equal(small.states[1], fifth) and torch.equal(small.states[0], first)


def test_a_seed_reaches_one_device_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, gpus=2)
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)  # `torch.manual_seed` does
    before, drawn = [state.clone() for state in machine.states], []
    for _ in range(2):
        with at_seed(3, device=torch.device("cuda", 1)):
            drawn.append((machine.states[1].clone(), torch.rand(2)))
            assert torch.equal(machine.states[0], before[0])
        assert all(map(torch.equal, machine.states, before))
    assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], before[1]) and not seeded


def test_devices_without_a_generator_of_their_own_have_no_state() -> None:
    for device in (None, torch.device("cpu"), torch.device("meta")):
        state = random_state(device=device)
        assert state["device"] is None
        set_random_state(state, device=device)


class OneDevice:
    """`torch.mps` of some versions: its functions are told no device."""

    def __init__(self) -> None:
        self.state = torch.Generator().manual_seed(1).get_state()

    def get_rng_state(self) -> torch.Tensor:
        return self.state.clone()

    def set_rng_state(self, state: torch.Tensor) -> None:
        self.state = state


def test_a_device_of_which_there_is_but_one_need_not_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, generator, device = OneDevice(), torch.Generator, torch.device("mps")
    monkeypatch.setattr(torch, "get_device_module", lambda device: machine)
    monkeypatch.setattr(torch, "Generator", lambda *_: generator())
    before = random_state(device=device)
    with at_seed(5, device=device):
        assert torch.equal(machine.state, generator().manual_seed(5).get_state())
    assert torch.equal(machine.state, before["device"])
