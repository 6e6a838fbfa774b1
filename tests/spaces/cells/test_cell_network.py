"""The derived network: the supernet's function, drop path, the auxiliary classifier."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from cell_helpers import (
    difference,
    ignoring,
    numbers,
    random_architectures,
    special_architectures,
)
from torch import Tensor, nn

import pdas.spaces.cells.network as network_module
from benchmarks.plain import read_cell
from pdas.spaces.cells.network import AuxiliaryHead, CellNetwork, _halves, draw_kept
from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError

SETTINGS = CellSettings(channels=4)
SPACE = cell_space(5, SETTINGS.operations)
ARCHITECTURE = random_architectures(SPACE, 1)[0]


def images(size: int = 9) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(3, 3, size, size)


def test_with_the_weights_of_the_supernet_it_is_the_same_function() -> None:
    torch.manual_seed(0)
    net = CellSupernet(channels=4)
    architectures = [*random_architectures(SPACE, 10), *special_architectures(SPACE)]
    derived = [net.derive(a, keep_weights=True).double() for a in architectures]
    net.double()
    x = images().double()
    for network, architecture in zip(derived, architectures, strict=True):
        assert difference(network(x), net(x, architecture)) < 1e-10


def test_weights_are_copied_and_not_shared() -> None:
    net = CellSupernet(channels=4, cells_per_stage=1)
    x = images()
    before = net(x, ARCHITECTURE)
    network = net.derive(ARCHITECTURE, keep_weights=True)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    assert torch.equal(net(x, ARCHITECTURE), before)


def test_without_them_the_weights_are_fresh() -> None:
    net = CellSupernet(channels=4, cells_per_stage=1)
    stems = [net.derive(ARCHITECTURE).stem[0].weight for _ in range(2)]
    assert not torch.equal(*stems)
    assert not torch.equal(stems[0], net.stem[0].weight)


def test_weights_can_be_kept_only_at_the_same_size() -> None:
    net = CellSupernet(channels=4)
    for other in ({"channels": 6}, {"cells_per_stage": 1}):
        with pytest.raises(SettingError, match="keep_weights"):
            net.derive(ARCHITECTURE, keep_weights=True, **other)


def test_the_size_of_a_derived_network_can_be_chosen() -> None:
    network = CellSupernet(channels=4).derive(ARCHITECTURE, channels=6, cells_per_stage=3)
    assert (network.settings.channels, network.settings.cells_per_stage) == (6, 3)
    assert len(network.cells) == 11
    assert network(images()).shape == (3, 10)


def test_every_weight_is_used() -> None:
    for architecture in (ARCHITECTURE, *special_architectures(SPACE)):
        network = CellNetwork(architecture, SETTINGS, auxiliary=True)
        sum(out.sum() for out in network.forward_with_auxiliary(images())).backward()
        assert all(p.grad is not None for p in network.parameters())


def test_evaluation_does_not_depend_on_the_other_images_of_the_batch() -> None:
    network = CellNetwork(ARCHITECTURE, SETTINGS)
    x = images()
    network(x)
    network.eval()
    assert difference(network(x[:1]), network(x)[:1]) < 1e-5


def test_survives_a_state_dict_and_pickling() -> None:
    x = images()
    for architecture in (ARCHITECTURE, *special_architectures(SPACE)[:2]):
        settings = CellSettings(channels=4, cells_per_stage=1)
        network = CellNetwork(architecture, settings, auxiliary=True)
        network(x)  # running statistics that are not those of a fresh network
        network.eval()
        fresh = CellNetwork(architecture, settings, auxiliary=True).eval()
        fresh.load_state_dict(network.state_dict())
        unpickled = pickle.loads(pickle.dumps(network))
        for again in (fresh, unpickled):
            assert torch.equal(again(x), network(x))


# Drop path


@pytest.mark.parametrize("rate", [0.3, 0.9])
def test_samples_are_dropped_at_the_rate_and_else_scaled(rate: float) -> None:
    torch.manual_seed(0)
    paths = draw_kept(3, torch.zeros(4000, 2, 3, 3, dtype=torch.float64), rate)
    assert [kept.shape for kept in paths] == [(4000, 1, 1, 1)] * 3
    for kept in paths:
        dropped = kept == 0
        torch.testing.assert_close(kept[~dropped], torch.full_like(kept[~dropped], 1 / (1 - rate)))
        deviation = (rate * (1 - rate) / len(kept)) ** 0.5
        assert abs(dropped.double().mean().item() - rate) <= 4 * deviation
        assert abs(kept.mean().item() - 1) < 4 * (rate / (1 - rate) / len(kept)) ** 0.5
    assert not torch.equal(paths[0], paths[1])


def test_the_draws_are_those_of_one_path_after_the_other() -> None:
    torch.manual_seed(0)
    paths = draw_kept(3, torch.zeros(5, 1, 1, 1), 0.4)
    torch.manual_seed(0)
    for kept in paths:
        assert torch.equal(kept, torch.empty(5, 1, 1, 1).bernoulli_(0.6) / 0.6)


def test_the_rate_0_draws_nothing() -> None:
    before = torch.get_rng_state()
    assert draw_kept(3, torch.zeros(5, 1), 0.0) == []
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The rate of each path that drop path is drawn for, which then does nothing."""
    rates: list[float] = []

    def record(paths: int, x: Tensor, rate: float) -> Iterator[Tensor]:
        for _ in range(paths if rate else 0):
            rates.append(rate)  # when it is used
            yield torch.ones(len(x), 1, 1, 1)

    monkeypatch.setattr(network_module, "draw_kept", record)
    return rates


def test_every_path_but_identities_is_dropped(dropped: list[float]) -> None:
    for architecture in random_architectures(SPACE, 5):
        network = CellNetwork(architecture, SETTINGS)
        network.drop_path = 0.2
        dropped.clear()
        network(images())
        expected = 0
        for kind, needed in zip((p.kind for p in network.positions), network.needed, strict=True):
            for source, name in (e for pair in read_cell(architecture, kind, 5) for e in pair):
                strided = kind == "reduction" and source < 2
                expected += needed and (name != "identity" or strided)
        assert dropped == [0.2] * expected


def test_nothing_is_dropped_in_evaluation_or_at_first(dropped: list[float]) -> None:
    network = CellNetwork(ARCHITECTURE, SETTINGS)
    network(images())
    network.drop_path = 0.5
    network.eval()(images())
    assert not dropped


def test_two_equal_edges_are_dropped_one_by_one(dropped: list[float]) -> None:
    space = cell_space(1, ("max_pool_3x3",))
    network = CellNetwork(space.architecture([0] * len(space)), CellSettings(nodes=1, channels=2))
    network.drop_path = 0.1
    network(images())
    assert len(dropped) == 2 * sum(network.needed)


def test_drop_path_changes_samples_of_one_batch_differently() -> None:
    torch.manual_seed(0)
    network = CellNetwork(ARCHITECTURE, SETTINGS)
    x = images()[:1].expand(6, -1, -1, -1)
    same = network(x)
    assert difference(same[1:], same[:1].expand(5, -1)) < 1e-4
    network.drop_path = 0.5
    assert difference((out := network(x))[1:], out[:1].expand(5, -1)) > 1e-2


# Auxiliary classifier


@pytest.mark.parametrize("size", range(2, 17))
def test_the_auxiliary_head_takes_maps_of_any_size(size: int) -> None:
    head = AuxiliaryHead(6, 5)
    assert head(torch.randn(2, 6, size, size)).shape == (2, 5)


@pytest.mark.parametrize(("size", "pooled"), [(2, 2), (7, 2), (8, 2), (11, 3), (14, 4)])
def test_the_auxiliary_head_pools_by_five_with_stride_three_from_eight_up(
    size: int, pooled: int
) -> None:
    head = AuxiliaryHead(6, 5)
    seen: list[Tensor] = []
    head.features.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.randn(2, 6, size, size)
    head(x)
    pool = nn.AvgPool2d(5, 3) if size >= 8 else nn.AdaptiveAvgPool2d(2)
    assert seen[0].shape[2:] == (pooled, pooled)
    torch.testing.assert_close(seen[0], pool(x.clamp(min=0)))


def test_the_weights_of_the_auxiliary_head() -> None:
    expected = 64 * 128 + 2 * 128 + 4 * 128 * 768 + 2 * 768 + (768 + 1) * 10
    assert numbers(AuxiliaryHead(64, 10).parameters()) == expected


@pytest.mark.parametrize("size", [8, 13, 32])
def test_the_auxiliary_head_reads_the_second_reduction_cell(size: int) -> None:
    network = CellNetwork(ARCHITECTURE, SETTINGS, auxiliary=True)
    assert all(network.needed)
    seen: dict[str, Tensor] = {}
    assert network.auxiliary is not None
    network.auxiliary.register_forward_pre_hook(lambda m, inputs: seen.update(head=inputs[0]))
    network.cells[5].register_forward_hook(lambda m, inputs, out: seen.update(cell=out))
    logits, auxiliary = network.forward_with_auxiliary(images(size))
    assert logits.shape == auxiliary.shape == (3, 10)
    assert seen["head"] is seen["cell"]


def test_the_auxiliary_head_reads_the_next_cell_where_the_reduction_is_passed_by() -> None:
    architecture = ignoring(ARCHITECTURE, "prev")
    settings = CellSettings(channels=4, cells_per_stage=1)
    network = CellNetwork(architecture, settings, auxiliary=True)
    assert network.needed == [True, False, True, False, True]
    logits, auxiliary = network.forward_with_auxiliary(images())
    assert logits.shape == auxiliary.shape == (3, 10)


def test_the_auxiliary_head_does_not_change_the_logits() -> None:
    network = CellNetwork(ARCHITECTURE, SETTINGS, auxiliary=True)
    x = images()
    assert torch.equal(network(x), network.forward_with_auxiliary(x)[0])


def test_a_network_without_the_head_has_no_weights_of_it() -> None:
    with_head = CellNetwork(ARCHITECTURE, SETTINGS, auxiliary=True)
    without = CellNetwork(ARCHITECTURE, SETTINGS)
    names = {n for n, _ in with_head.named_parameters()} - {
        n for n, _ in without.named_parameters()
    }
    assert names and all(name.startswith("auxiliary.") for name in names)


def test_all_operations_can_be_derived() -> None:
    for name in OPERATIONS:
        space = cell_space(2, (name,))
        settings = CellSettings(nodes=2, cells_per_stage=1, channels=3, operations=(name,))
        network = CellNetwork(space.architecture([0] * len(space)), settings)
        assert network(images()).shape == (3, 10)


@pytest.mark.parametrize("height", range(1, 8))
@pytest.mark.parametrize("width", range(1, 8))
def test_small_maps_are_halved_as_by_adaptive_pooling(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    found, expected = _halves(x), F.adaptive_avg_pool2d(y, 2)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(2, 3, 2, 2)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
