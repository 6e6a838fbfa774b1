"""What every optimizer of weights and every schedule must do, by their settings."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.support.settings import validated
from pdas.training.components import OPTIMIZERS, OptimizerSettings

STEPS = 30


class WeightOptimizerTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `settings`: of the optimizer, registered by its name, with a learning rate that suits a small
    linear regression.

    Example:
        class TestRMSprop(WeightOptimizerTests):
            @pytest.fixture
            def settings(self):
                return RMSprop(learning_rate=0.01)
    """

    def test_it_is_found_by_name_and_keeps_its_settings(self, settings: OptimizerSettings) -> None:
        assert OPTIMIZERS[settings.name] is type(settings)
        found = validated(SearchSettings, {"optimizer": settings.model_dump()}).optimizer
        assert found == settings

    def test_an_unknown_setting_is_refused(self, settings: OptimizerSettings) -> None:
        values = {"optimizer": {"name": settings.name, "no_such_setting": 1}}
        with pytest.raises(SettingError, match=r"optimizer\.no_such_setting"):
            validated(SearchSettings, values)

    def test_it_learns_and_has_its_learning_rate(self, settings: OptimizerSettings) -> None:
        net, losses = _regression()
        optimizer = settings.make(net.parameters())
        assert isinstance(optimizer, torch.optim.Optimizer)
        assert optimizer.param_groups[0]["lr"] == settings.learning_rate
        first = _train(optimizer, losses, STEPS)
        assert first[-1] < first[0]

    def test_it_continues_from_its_state(self, settings: OptimizerSettings) -> None:
        net, losses = _regression()
        optimizer = settings.make(net.parameters())
        whole = _train(optimizer, losses, STEPS)
        again, other_losses = _regression()
        first = settings.make(again.parameters())
        half = _train(first, other_losses, STEPS // 2)
        second = settings.make(again.parameters())
        second.load_state_dict(first.state_dict())
        assert half + _train(second, other_losses, STEPS - STEPS // 2) == whole


def _regression() -> tuple[nn.Module, object]:
    torch.manual_seed(0)
    net, x = nn.Linear(3, 1), torch.randn(20, 3)
    y = x.sum(1, keepdim=True)
    return net, lambda: (net(x) - y).square().mean()


def _train(optimizer: torch.optim.Optimizer, losses: object, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = losses()  # type: ignore[operator]
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return found
