"""Well-known networks: they take any images, and start from fresh or from published weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from pdas.spaces.base import FAMILIES
from pdas.spaces.zoo import models
from pdas.spaces.zoo import network as room
from pdas.spaces.zoo.network import WellKnownNetwork, smallest_side
from pdas.spaces.zoo.settings import ZooSettings
from pdas.support.errors import SettingError
from pdas.testing import FamilyCase, FamilyTests

NAMES = ("squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small")


class TestZoo(FamilyTests):
    @pytest.fixture
    def case(self) -> FamilyCase:
        network = ZooSettings(networks=NAMES)
        return FamilyCase(FAMILIES["zoo"], network, image_shape=(1, 14, 14), outputs=3)


@pytest.mark.parametrize(
    ("name", "sides", "side"),
    [
        ("resnet18", (8, 8), None),
        ("vgg11", (14, 14), 32),
        ("vgg11", (32, 40), None),
        ("vit_b_32", (28, 28), 224),
        ("inception_v3", (32, 32), 96),
    ],
)
def test_images_are_enlarged_only_for_networks_that_need_it(
    name: str, sides: tuple[int, int], side: int | None
) -> None:
    assert smallest_side(name, sides) == side


def test_a_network_of_torchvision_is_as_it_is() -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    ours = WellKnownNetwork("resnet18", 7, (32, 32)).eval()
    torch.manual_seed(0)
    theirs = resnet18(num_classes=7).eval()
    rgb, grey = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32)
    assert torch.equal(ours(rgb), theirs(rgb))
    assert torch.equal(ours(grey), theirs(torch.cat([grey] * 3, 1)))


def test_published_weights_are_all_but_those_of_the_last_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(1)
    published = models.made("squeezenet1_1", 1000)
    monkeypatch.setattr(models, "_published", lambda name: published)
    found = WellKnownNetwork("squeezenet1_1", 4, (32, 32), pretrained=True).network.state_dict()
    for name, weight in published.state_dict().items():
        if name.startswith("classifier"):
            assert len(found[name]) == 4
        else:
            assert torch.equal(found[name], weight)


def test_without_a_network_published_weights_are_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> nn.Module:
        raise OSError("no route\nto host")

    monkeypatch.setattr(models, "_published", fail)
    with pytest.raises(SettingError, match=r"^plain network: .*resnet18 cannot be .*no route to"):
        WellKnownNetwork("resnet18", 4, (32, 32), pretrained=True)


def test_an_unknown_name_gets_near_ones() -> None:
    with pytest.raises(SettingError, match=r"^plain network: found 'resnet1', .*resnet18"):
        smallest_side("resnet1", (32, 32))


def test_timm_is_needed_only_for_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_timm", lambda: None)
    models.check_known("resnet18")
    with pytest.raises(SettingError, match=r"pip install 'pdas-nas\[timm\]'"):
        models.check_known("mobilenetv3_small_050")


def test_a_network_of_timm_has_the_outputs() -> None:
    pytest.importorskip("timm")
    network = WellKnownNetwork("mobilenetv3_small_050", 5, (14, 14)).eval()
    assert network(torch.rand(2, 1, 14, 14)).shape == (2, 5)


def test_what_takes_no_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, classes: int) -> nn.Module:
        return nn.Linear(3, 3)

    monkeypatch.setattr(room, "made", broken)
    with pytest.raises(SettingError, match=r"^network.networks: found resnet34, which takes no"):
        smallest_side("resnet34", (5, 5))


@pytest.mark.parametrize("shape", [(2, 8, 8), (4, 8, 8)])
def test_images_are_grey_or_rgb(shape: tuple[int, int, int]) -> None:
    zoo: Any = FAMILIES["zoo"]
    with pytest.raises(SettingError, match=r"^network.space: found 'zoo' for images of"):
        zoo.size(ZooSettings(), shape, 3)
