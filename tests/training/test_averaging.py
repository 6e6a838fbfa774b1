"""The moving average of the weights, written out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pdas.training.large.averaging import AveragedWeights

DECAY = 0.7


def module() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def trained(net: nn.Module, averaged: AveragedWeights, steps: int, seed: int = 0) -> list[Any]:
    """The tensors of the network after each step."""
    generator = torch.Generator().manual_seed(seed)
    sgd = torch.optim.SGD(net.parameters(), 0.1)
    after = averaged.following(lambda progress: None)
    states = []
    for _ in range(steps):
        sgd.zero_grad()
        net(torch.randn(8, 3, generator=generator)).square().mean().backward()
        sgd.step()
        after(None)  # type: ignore[arg-type]
        states.append({name: each.clone() for name, each in net.state_dict().items()})
    return states


def test_weights_and_running_statistics_are_averaged() -> None:
    net = module()
    averaged = AveragedWeights(net, DECAY, torch.device("cpu"))
    first, *others = trained(net, averaged, 5)
    found = averaged.module.state_dict()
    assert set(found) == set(first)
    for name, value in first.items():
        if value.is_floating_point():
            for state in others:
                value = DECAY * value + (1 - DECAY) * state[name]
            torch.testing.assert_close(found[name], value)


def test_it_is_that_of_torch() -> None:
    net = module()
    averaged = AveragedWeights(net, DECAY, torch.device("cpu"))
    expected = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(DECAY), use_buffers=True)
    for seed in range(4):
        trained(net, averaged, 1, seed)
        expected.update_parameters(net)
    for name, value in expected.module.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(averaged.module.state_dict()[name], value)
    assert not torch.equal(averaged.module[2].weight, net[2].weight)


def test_it_continues_from_its_state_to_the_last_bit() -> None:
    whole, stopped, resumed = module(), module(), module()
    kept = [AveragedWeights(net, DECAY, torch.device("cpu")) for net in (whole, stopped, resumed)]
    trained(whole, kept[0], 3), trained(whole, kept[0], 3, seed=1)
    trained(stopped, kept[1], 3)
    resumed.load_state_dict(stopped.state_dict())
    kept[2].load_state_dict(kept[1].state_dict())
    trained(resumed, kept[2], 3, seed=1)
    for name, value in kept[0].module.state_dict().items():
        assert torch.equal(value, kept[2].module.state_dict()[name])


@pytest.mark.parametrize("answer", [True, None])
def test_the_answer_of_what_is_called_then_is_passed_on(answer: bool | None) -> None:
    averaged = AveragedWeights(module(), DECAY, torch.device("cpu"))
    assert averaged.following(lambda progress: answer)(None) is answer  # type: ignore[arg-type]
