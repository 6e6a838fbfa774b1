"""Batch norms keep no running statistics in a search; what is derived meanwhile does."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.training.batch_norm import without_running_statistics

WIDTH = Value("width", [2, 4])


def norms() -> nn.Sequential:
    plain, trained = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
    trained(torch.randn(8, 4))
    chosen = P.BatchNorm1d.of(trained, num_features=WIDTH)
    batch_norms = [plain, P.Linear(4, WIDTH), chosen, P.BatchNorm1d(WIDTH)]
    maps = nn.InstanceNorm1d(1, track_running_stats=True)
    chosen_maps = P.InstanceNorm1d.of(maps, num_features=Value("maps", [1]))
    return nn.Sequential(*batch_norms, nn.Unflatten(1, (1, -1)), maps, chosen_maps, nn.Flatten())


def statistics(network: nn.Module) -> list[torch.Tensor]:
    return [buffer.clone() for buffer in network.buffers()]


@pytest.mark.parametrize("keep_weights", [True, False])
def test_a_network_derived_within_it_keeps_statistics(keep_weights: bool) -> None:
    torch.manual_seed(0)
    net = Supernet(norms())
    before = statistics(net)
    with without_running_statistics(net):
        net(torch.randn(8, 4), net.largest)
        network = net.derive(net.largest, keep_weights=keep_weights)
    assert all(map(torch.equal, statistics(net), before))
    for name in ("0", "2", "3", "5", "6"):
        norm = network.get_submodule(name)
        assert norm.track_running_stats is True
        mean = norm.running_mean.clone()
        network.train()(torch.randn(8, 4) + 1)
        assert not torch.equal(norm.running_mean, mean)
        x = torch.randn(3, *([4] if norm.running_mean.numel() > 1 else [1, 4]))
        assert torch.equal(norm.eval()(x[:1]), norm(x)[:1])


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_copies_keep_statistics_and_the_module_does_again(kind: type[nn.Module]) -> None:
    norm = kind(4, track_running_stats=True)
    with without_running_statistics(norm):
        copies = [copy.deepcopy(norm), pickle.loads(pickle.dumps(copy.deepcopy(norm)))]
        norm(torch.randn(8, 4, 2))
    assert torch.equal(norm.running_mean, torch.zeros(4))
    for module in (*copies, norm):
        assert module.track_running_stats is True
        module(torch.randn(8, 4, 2))
        assert not torch.equal(module.running_mean, torch.zeros(4))
