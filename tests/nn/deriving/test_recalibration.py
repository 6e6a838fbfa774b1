"""Running statistics taken from batches, after a search."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.nn import Choice, Supernet, recalibrate
from pdas.support.errors import SettingError


def batches(count: int = 5) -> list[tuple[Tensor, Tensor]]:
    return [(3 + 2 * torch.randn(32, 4), torch.zeros(32)) for _ in range(count)]


def test_statistics_are_the_means_of_the_batches() -> None:
    network = nn.Sequential(nn.BatchNorm1d(4, momentum=0.3), nn.Dropout(0.5)).train()
    network[1].eval()
    network[0].running_mean.fill_(100)
    found = batches()
    recalibrate(network, found)
    means = torch.stack([x.mean(0) for x, _ in found])
    variances = torch.stack([x.var(0) for x, _ in found])
    torch.testing.assert_close(network[0].running_mean, means.mean(0))
    torch.testing.assert_close(network[0].running_var, variances.mean(0))
    assert network[0].num_batches_tracked == 5
    assert (network[0].momentum, network[0].training, network[1].training) == (0.3, True, False)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_instance_norms_and_batches_of_other_forms(momentum: float | None) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.InstanceNorm1d(4, momentum=momentum, track_running_stats=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x)

    found = [3 + torch.randn(8, 4, 16) for _ in range(4)]
    expected = torch.stack([x.mean((0, 2)) for x in found]).mean(0)
    for given, call in (
        (found, None),
        ([[x] for x in found], None),
        ([{"x": x} for x in found], None),
        ([{"y": x} for x in found], lambda network, batch: network(batch["y"])),
    ):
        network = Named()
        recalibrate(network, given, call)
        torch.testing.assert_close(network.norm.running_mean, expected)
        assert network.norm.momentum == momentum


def test_no_batches_are_told_and_change_nothing() -> None:
    norm = nn.BatchNorm1d(2)
    norm(torch.randn(5, 2))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    with pytest.raises(SettingError, match="batches: found none"):
        recalibrate(norm, [])
    assert norm.training
    torch.testing.assert_close(dict(norm.state_dict()), before, rtol=0, atol=0)


def make(norm: nn.Module) -> nn.Module:
    act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    return nn.Sequential(nn.Linear(4, 16), norm, act, nn.Flatten(), nn.Linear(16, 2))


def loss(model: nn.Module, batch: list[Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def test_after_a_search_accuracy_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    x = 50 + 20 * torch.randn(400, 4)
    y = (x[:, 0] > 50).long()
    net = Supernet(make(nn.BatchNorm1d(16)))
    data = torch.utils.data.TensorDataset(x, y)
    result = pdas.search(net, loss, data, steps=150, finalists=0, progress=False)

    def accuracy(network: nn.Module) -> float:
        return float((network.eval()(x).argmax(1) == y).float().mean())

    with caplog.at_level(logging.WARNING):
        network = net.derive(result.architecture, keep_weights=True)
    assert "call pdas.nn.recalibrate(network, batches)" in caplog.text
    before = accuracy(network)
    recalibrate(network, torch.utils.data.DataLoader(data, 50))
    assert accuracy(network) > 0.9 > 0.8 > before


def test_a_whole_model_of_trained_norms_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    module = make(nn.BatchNorm1d(16)).train()
    net = Supernet(module)
    net(torch.randn(8, 4), net.largest)
    net.derive(net.largest, keep_weights=True)
    assert not caplog.text


def test_instance_norms_keep_their_statistics_in_a_search() -> None:
    norm = nn.InstanceNorm1d(4, track_running_stats=True)
    norm(5 + torch.randn(3, 4, 9))
    before = norm.running_mean.clone()
    act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    net = Supernet(
        nn.Sequential(nn.Unflatten(1, (4, 4)), norm, act, nn.Flatten(), nn.Linear(16, 2))
    )
    data = torch.utils.data.TensorDataset(torch.randn(64, 16), torch.randint(2, (64,)))
    pdas.search(net, loss, data, steps=5, batch_size=8, finalists=0, warmup=0, progress=False)
    assert torch.equal(norm.running_mean, before)
    assert (norm.momentum, norm.track_running_stats) == (0.1, True)
