"""DARTS and the mixture as search methods, on cells and on networks of the user."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.distributed.fabric import Fabric
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.darts.mixture_search import MixtureSearch
from pdas.methods.planning.plan import PlanRequest
from pdas.methods.settings import SearchSettings
from pdas.nn import Choice, InputChoice, Linear, Supernet, Value
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import NonFiniteLossError, SettingError
from pdas.testing import MethodCase, MethodTests

NAMES = ["darts-1", "darts-2", "mixture"]
CELLS = ["darts-1", *(pytest.param(name, marks=pytest.mark.long) for name in NAMES[1:])]


def labelled(x: torch.Tensor) -> TensorDataset:
    return TensorDataset(x, (x.flatten(1).mean(1) > 0).long())


def vectors() -> TensorDataset:
    return labelled(torch.randn(80, 4, generator=torch.Generator().manual_seed(0)))


def images() -> TensorDataset:
    return labelled(torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)))


def loss(model: Any, batch: Any) -> dict[str, torch.Tensor]:
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": nn.functional.cross_entropy(logits, batch[1]), "accuracy": right}


class Skipping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 2)
        self.act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()})
        self.source = InputChoice("source", ["input", "hidden"])

    def forward(self, x: torch.Tensor) -> Any:
        return self.last(self.source([x, self.act(self.first(x))]))


def own_network() -> Supernet:
    torch.manual_seed(0)
    return Supernet(Skipping())


def cells() -> CellSupernet:
    torch.manual_seed(0)
    return CellSupernet(nodes=2, cells_per_stage=1, channels=2, in_channels=1, classes=2)


def made(name: str, net: Any, **settings: Any) -> Any:
    return METHODS[name](**settings).build(MethodRequest(net.space, seed=0, samples=1))


class TestOnOwnNetworks(MethodTests):
    @pytest.fixture(params=NAMES)
    def case(self, request: Any) -> Any:
        def make() -> MethodCase:
            method = lambda net: made(request.param, net, epochs=3)  # noqa: E731
            return MethodCase(method, own_network(), loss, vectors(), {"samples": 1})

        return make


class TestOnCells(MethodTests):
    @pytest.fixture(params=CELLS)
    def case(self, request: Any) -> Any:
        def make() -> MethodCase:
            method = lambda net: made(request.param, net, epochs=2)  # noqa: E731
            return MethodCase(method, cells(), loss, images(), {"samples": 1})

        return make


@pytest.mark.parametrize("name", NAMES)
def test_it_finds_the_planted_choice(name: str) -> None:
    class Planted(nn.Module):
        """Only the product of both numbers fits, of which a ReLU of a sum has no notion."""

        def __init__(self) -> None:
            super().__init__()
            self.power = Choice("power", {p: Power(p) for p in (1, 2, 3)})
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> Any:
            return self.scale * self.power(x)

    x = torch.linspace(-1.5, 1.5, 200)
    data = TensorDataset(x, 3 * x**2)
    squared = lambda model, batch: (model(batch[0]) - batch[1]).square().mean()  # noqa: E731
    method = {"name": name, "epochs": 30, "learning_rate": 0.05}
    result = pdas.search(
        Supernet(Planted()), squared, data, method=method, preset="paper", batch_size=20
    )
    assert result.architecture["power"] == 2


class Power(nn.Module):
    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x**self.power


def test_the_gradient_of_the_logits_is_that_of_the_theta_loss() -> None:
    net = cells().double()
    x, y = torch.randn(6, 1, 8, 8).double(), torch.tensor([0, 1, 0, 1, 0, 1])
    for kind in ("edges", "variables"):
        relaxation: Any = net.relaxation(kind)  # type: ignore[arg-type]
        logits = (0.3 * torch.randn(relaxation.size)).double().requires_grad_()

        def value(logits: torch.Tensor, relaxation: Any = relaxation) -> torch.Tensor:
            out = net.forward_mixed(x, coefficients=relaxation.coefficients(logits))
            return nn.functional.cross_entropy(out, y)

        (gradient,) = torch.autograd.grad(value(logits), logits)
        for i in range(0, relaxation.size, 7):
            step = torch.zeros_like(logits)
            step[i] = 1e-6
            with torch.no_grad():
                numeric = (value(logits + step) - value(logits - step)) / 2e-6
            assert float(gradient[i]) == pytest.approx(float(numeric), abs=1e-6, rel=1e-4)


@pytest.mark.parametrize(("name", "passes"), [("darts-1", 2), ("darts-2", 5), ("mixture", 2)])
def test_the_budget_pays_for_steps_by_their_multiply_adds(name: str, passes: int) -> None:
    net = own_network()
    method = made(name, net)
    batch = vectors()[:10]
    settings = SearchSettings(epochs=30, samples=1)
    request = PlanRequest(settings, 4, 4, net=net, loss=loss, example=lambda: batch)
    plan = method.plan(request)
    # Both linear layers run in the mixture. Of the sampled ones half read the input: 8 of 24.
    assert method.passes_of_mixture(request) == pytest.approx(24 / (0.5 * 24 + 0.5 * 8), rel=0.35)
    cost = passes * method.passes_of_mixture(request)
    assert plan.steps == int(30 * 4 * 2 * 4 / 3 / cost)
    assert plan.step_passes == pytest.approx(cost)


def test_a_mixture_of_the_papers_cells_costs_about_eight_passes() -> None:
    net = CellSupernet(nodes=5, cells_per_stage=2, channels=16)
    batch = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    request = PlanRequest(SearchSettings(), 4, 4, net=net, loss=loss, example=lambda: batch)
    assert MixtureSearch(net.space, "edges").passes_of_mixture(request) == pytest.approx(
        7.8, rel=0.1
    )


def chosen_width() -> Supernet:
    width = Value("width", [2, 4])
    return Supernet(nn.Sequential(Linear(4, width), nn.ReLU(), Linear(width, 2)))


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_mixed_is_refused_before_the_search(name: str) -> None:
    with pytest.raises(SettingError, match=f"search.method: {name} does not fit: .*width"):
        pdas.search(chosen_width(), loss, vectors(), method=name, epochs=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accumulate": 2, "batch_size": 20}, "search.accumulate: found 2, while a mixture"),
        ({"train_weights": False, "batch_size": 20}, "search.train_weights: found false"),
        ({"finalists": 3, "batch_size": 20}, "search.finalists: found 3, while the logits"),
    ],
)
def test_settings_that_a_mixture_cannot_have(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        options: dict[str, Any] = {"preset": "paper", "epochs": 9, **settings}
        pdas.search(own_network(), loss, vectors(), method="mixture", **options)
    assert "\n" not in str(caught.value)


def test_auto_encoders_are_refused_with_what_fits() -> None:
    from pdas.spaces.base import FAMILIES

    recipe = recipes.load("inpaint-photos", ["search.method=darts-1"])
    family = FAMILIES[recipe.network.space]
    net = family.supernet(family.size(recipe.network, (3, 32, 32), 3))
    with pytest.raises(SettingError, match=r"darts-1, while .* runs no mixture .* use pdas, enas"):
        recipe.search.method.network(net)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_refused(name: str) -> None:
    net = own_network()
    limit = pdas.Limit(net.cost("parameters"), 100)
    with pytest.raises(SettingError, match="limit: found one beside MixtureSearch"):
        pdas.search(net, loss, vectors(), method=name, limit=limit, epochs=9)


def searched(name: str, precision: Any) -> Any:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    method = {"name": name, "epochs": 2}
    options: dict[str, Any] = {"preset": "paper", "batch_size": 20, "fabric": fabric}
    return pdas.search(own_network(), loss, vectors(), method=method, **options)


@pytest.mark.parametrize(
    ("name", "precision"), [("darts-2", "bf16-mixed"), ("darts-1", "bf16-true")]
)
def test_a_precision_that_loses_the_gradient_is_refused(name: str, precision: str) -> None:
    with pytest.raises(SettingError, match=rf"device\.precision: found {precision}"):
        searched(name, precision)


def test_the_first_order_runs_in_mixed_precision() -> None:
    rough, exact = (
        searched("darts-1", precision).history[0].measures["loss"]
        for precision in ("bf16-mixed", "32-true")
    )
    assert rough == pytest.approx(exact, rel=0.05) and rough != exact


def test_the_second_order_gradient_of_a_supernet_is_that_after_the_step() -> None:
    """Against central differences in float64, in the middle of a search."""
    seen: list[float] = []

    class Compared(MixtureSearch):
        def step(self, weight_batch: Any, theta_batch: Any) -> Any:
            if not seen:
                self._compare(weight_batch, theta_batch)
            return super().step(weight_batch, theta_batch)

        def _compare(self, weight_batch: Any, theta_batch: Any) -> None:
            self._logits = self._logits.detach().double().requires_grad_()
            rate = 0.025
            found, _ = self._ahead(weight_batch, theta_batch)
            weights = list(self._net.parameters())
            before = [weight.detach().clone() for weight in weights]

            def after(logits: torch.Tensor) -> float:
                """The loss of D_theta after a step of plain SGD, in place."""
                value, _ = self._measured(weight_batch, self._model(logits))
                for weight, g in zip(weights, torch.autograd.grad(value, weights), strict=True):
                    weight.data -= rate * (g + 3e-4 * weight.data)
                value, _ = self._measured(theta_batch, self._model(logits))
                for weight, old in zip(weights, before, strict=True):
                    weight.data.copy_(old)
                return float(value.detach())

            for i in range(len(found)):
                step = torch.zeros_like(found)
                step[i] = 1e-5
                logits = self._logits.detach()
                numeric = (after(logits + step) - after(logits - step)) / 2e-5
                assert float(found[i]) == pytest.approx(numeric, rel=2e-3, abs=1e-6)
                seen.append(numeric)

    net = own_network().double()
    x, y = vectors().tensors
    method = Compared(net.space, "variables", second_order=True, start=0.5, epochs=1)
    sgd = {"name": "sgd", "learning_rate": 0.025, "momentum": 0.9, "weight_decay": 3e-4}
    options: dict[str, Any] = {"preset": "paper", "optimizer": sgd, "batch_size": 40}
    pdas.search(net, loss, TensorDataset(x.double(), y), method=method, **options)
    assert len(seen) == 5


def test_the_published_length_is_fifty_epochs() -> None:
    published = {name: dict(METHODS[name].published) for name in NAMES}
    fifty = {"search.method.epochs": 50}
    assert published == {"darts-1": fifty, "darts-2": fifty, "mixture": {}}  # the last has none


def test_without_a_network_the_plan_is_that_of_the_papers() -> None:
    plan = MixtureSearch(cells().space, "edges").plan(PlanRequest(SearchSettings(), 100, 100))
    assert plan.step_passes == pytest.approx(15.6)


@pytest.mark.parametrize("name", ["darts-1", "darts-2"])
def test_a_gradient_of_the_logits_that_is_not_finite_is_an_error(name: str) -> None:
    class Broken(Skipping):
        def forward(self, x: torch.Tensor) -> Any:
            logits = super().forward(x)
            if logits.requires_grad:
                logits.register_hook(lambda gradient: gradient * torch.nan)
            return logits

    net = Supernet(Broken())
    with pytest.raises(NonFiniteLossError, match=r"found nan of the (logits|mixture), expected"):
        pdas.search(net, loss, vectors(), method=name, preset="paper", epochs=2, batch_size=10)
