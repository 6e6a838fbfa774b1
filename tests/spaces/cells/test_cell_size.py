from __future__ import annotations

from itertools import product

import pytest
from cell_helpers import numbers, random_architectures, special_architectures

from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.size import (
    SizeLimit,
    count_multiply_adds,
    count_weights,
    heaviest,
    limits_of,
    widest,
)
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import SettingError
from pdas.tasks.classification.recipe import WidthLimitSettings

SETTINGS = [
    CellSettings(channels=4),
    CellSettings(nodes=3, cells_per_stage=1, channels=5, in_channels=1, classes=7),
    CellSettings(cells_per_stage=3, channels=2, operations=("identity", "sep_conv_5x5")),
    CellSettings(nodes=2, cells_per_stage=1, channels=5, stem_stride=4),
]
PAPER = CellSettings(cells_per_stage=6)
PAPER_SPACE = cell_space(5, PAPER.operations)


def of_weights(limit: int) -> list[SizeLimit]:
    return limits_of(limit, None, (32, 32))


def wide(settings: CellSettings, channels: int) -> CellSettings:
    return settings.model_copy(update={"channels": channels})


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"C{s.channels}N{s.cells_per_stage}")
def test_the_count_is_that_of_a_network_that_is_built(settings: CellSettings) -> None:
    space = cell_space(settings.nodes, settings.operations)
    for architecture in (*random_architectures(space, 17), *special_architectures(space)):
        network = CellNetwork(architecture, settings)
        assert count_weights(architecture, settings) == numbers(network.parameters())


def test_the_count_at_the_size_of_the_paper() -> None:
    settings = wide(PAPER, 12)
    architecture = random_architectures(PAPER_SPACE, 1)[0]
    network = CellNetwork(architecture, settings)
    assert count_weights(architecture, settings) == numbers(network.parameters())


def test_the_auxiliary_classifier_is_not_counted() -> None:
    architecture = random_architectures(PAPER_SPACE, 1)[0]
    settings = CellSettings(channels=4)
    network = CellNetwork(architecture, settings, auxiliary=True)
    assert network.auxiliary is not None
    without = numbers(network.parameters()) - numbers(network.auxiliary.parameters())
    assert count_weights(architecture, settings) == without


@pytest.mark.parametrize("limit", [100_000, 3_000_000])
def test_the_widest_network_is_the_largest_within_the_limit(limit: int) -> None:
    for architecture in random_architectures(PAPER_SPACE, 25):
        settings = widest(architecture, PAPER, of_weights(limit))
        assert wide(settings, PAPER.channels) == PAPER
        assert count_weights(architecture, settings) <= limit
        wider = wide(settings, settings.channels + 1)
        assert limit < count_weights(architecture, wider)


@pytest.mark.parametrize("channels", [2, 3, 4, 7, 36])
def test_a_limit_that_is_met_exactly_is_met(channels: int) -> None:
    architecture = random_architectures(PAPER_SPACE, 1)[0]
    limit = count_weights(architecture, wide(PAPER, channels))
    assert widest(architecture, PAPER, of_weights(limit)).channels == channels
    if channels > 2:
        assert widest(architecture, PAPER, of_weights(limit - 1)).channels == channels - 1


def test_a_limit_that_no_width_meets_is_named() -> None:
    architecture = random_architectures(PAPER_SPACE, 1)[0]
    smallest = count_weights(architecture, wide(PAPER, 2))
    message = rf"retrain\.weight_limit: found {smallest - 1}, expected at least {smallest}"
    with pytest.raises(SettingError, match=message):
        widest(architecture, PAPER, of_weights(smallest - 1))


@pytest.mark.parametrize("size", [(32, 32), (224, 224), (61, 40)])
def test_the_widest_network_within_a_limit_of_multiply_adds(size: tuple[int, int]) -> None:
    limit = WidthLimitSettings(cost="multiply_adds", maximum=600_000_000)
    large = CellSettings(cells_per_stage=4, classes=1000, stem_stride=4)
    for architecture in random_architectures(PAPER_SPACE, 5):
        found = widest(architecture, large, limits_of(None, limit, size))
        assert count_multiply_adds(architecture, found, size) <= 600_000_000
        wider = wide(found, found.channels + 1)
        assert count_multiply_adds(architecture, wider, size) > 600_000_000
        # Of two limits both are kept, whichever is the tighter one.
        weights = count_weights(architecture, wide(large, 9))
        assert widest(architecture, large, limits_of(weights, limit, size)).channels == 9
        weights = count_weights(architecture, wider)
        assert widest(architecture, large, limits_of(weights, limit, size)) == found


def test_no_architecture_has_more_multiply_adds_than_the_one_checked_before_a_search() -> None:
    settings = CellSettings(nodes=2, cells_per_stage=1, channels=4, stem_stride=4)
    limit = WidthLimitSettings(cost="multiply_adds", maximum=3_000_000)
    least = widest(None, settings, limits_of(None, limit, (37, 40))).channels
    space = cell_space(2, settings.operations)
    found = [
        widest(architecture, settings, limits_of(None, limit, (37, 40))).channels
        for architecture in (*random_architectures(space, 100), *special_architectures(space))
    ]
    assert min(found) >= least > 2


def test_limits_of_a_retraining_that_are_missing_or_cannot_be_kept() -> None:
    limit = WidthLimitSettings(cost="multiply_adds", maximum=1000)
    expected = r"^retrain\.limit: found 1000, expected at least \d+, the multiply-adds at 32x32 of "
    with pytest.raises(SettingError, match=expected + "the heaviest"):
        widest(None, PAPER, limits_of(3_000_000, limit, (32, 32)))
    with pytest.raises(SettingError, match=r"^retrain\.weight_limit: found none, and no retrain"):
        limits_of(None, None, (32, 32))
    same = WidthLimitSettings(cost="parameters", maximum=100_000)
    architecture = random_architectures(PAPER_SPACE, 1)[0]
    found = widest(architecture, PAPER, limits_of(None, same, (32, 32)))
    assert found == widest(architecture, PAPER, of_weights(100_000))


@pytest.mark.parametrize(
    "operations", [PAPER.operations, ("identity", "max_pool_3x3"), ("max_pool_3x3",)]
)
def test_no_architecture_is_heavier_than_the_heaviest(operations: tuple[str, ...]) -> None:
    settings = CellSettings(nodes=2, channels=4, operations=operations)
    space = cell_space(2, operations)
    most = count_weights(heaviest(settings), settings)
    assert set(heaviest(settings)) == set(space)
    for architecture in (*random_architectures(space, 300), *special_architectures(space)):
        assert count_weights(architecture, settings) <= most
    if len(operations) == 1:  # small enough to enumerate
        choices = product(*(range(size) for size in space.sizes))
        assert most == max(count_weights(a, settings) for a in space.architectures(list(choices)))
