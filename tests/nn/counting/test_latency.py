"""Latency by a clock that the networks themselves set forward, in seconds; costs are in ms."""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.cost import FunctionCost, ProductCost
from pdas.nn import Choice, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.counting import timing
from pdas.nn.counting.changes import latin_hypercube, rounds_of
from pdas.nn.counting.latencies import Latencies
from pdas.nn.counting.latency import latency
from pdas.nn.counting.latency_measurement import LatencyMeasurement
from pdas.support.errors import PdasWarning, SettingError, SpaceError
from tests.nn.choice_helpers import every
from tests.testing.chosen import Chosen

X = torch.ones(2, 3)
FIRST_CALL = 7.0


class Clock:
    now = 0.0


CLOCK = Clock()


class Takes(nn.Module):
    """A layer that takes so many seconds, and longer when it is called first."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.is_first = True

    def forward(self, x: Tensor, **named: Any) -> Tensor:
        assert not self.training and not torch.is_grad_enabled()
        CLOCK.now += self.seconds + FIRST_CALL * self.is_first
        self.is_first = False
        return x


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "perf_counter", lambda: CLOCK.now)


def stack() -> Supernet:
    """Choices next to, and inside of each other."""
    inner = Choice("inner", {"a": Takes(1), "b": Takes(3)})
    outer = Choice("outer", {"fast": Takes(0.5), "nested": nn.Sequential(inner, Takes(0.25))})
    blocks = [nn.Sequential(Takes(2), OptionalLayer(f"extra{i}", Takes(4))) for i in range(2)]
    return Supernet(nn.Sequential(Takes(16), outer, Repeat("depth", blocks)))


def milliseconds(network: nn.Module) -> float:
    return 1000 * sum(part.seconds for part in network.modules() if isinstance(part, Takes))


def test_it_is_that_of_the_derived_network_where_choices_add_up() -> None:
    net = stack()
    cost = net.cost("latency", X, minutes=1e6)
    assert isinstance(cost, ProductCost) and cost.error == pytest.approx(0.0, abs=1e-12)
    assert len(every(net)) == 32
    for architecture in every(net):
        expected = milliseconds(net.derive(architecture))
        assert cost(architecture) == pytest.approx(expected, rel=1e-12), architecture


def test_a_limit_is_in_milliseconds() -> None:
    net = Supernet(nn.Sequential(Takes(16e-3), Choice("op", {"a": Takes(4e-3), "b": Takes(1e-3)})))
    limit = pdas.Limit(net.cost("latency", X), 18.0)
    assert [limit.holds(a) for a in every(net)] == [False, True]


def test_a_slow_call_now_and_then_does_not_count() -> None:
    class Sometimes(Takes):
        calls = 0

        def forward(self, x: Tensor, **named: Any) -> Tensor:
            self.calls += 1
            CLOCK.now += 1000.0 * (self.calls % 3 == 0)
            return super().forward(x)

    net = Supernet(Choice("op", {"a": Sometimes(1), "b": Sometimes(2)}))
    cost = net.cost("latency", X, minutes=1e6)
    assert [cost(a) for a in every(net)] == [1000.0, 2000.0]


def test_it_changes_nothing() -> None:
    net = Supernet(Choice("op", {"a": Takes(1), "b": Takes(2)})).train()
    before = torch.get_rng_state()
    x = X.clone()
    net.cost("latency", x, other=x, minutes=1e6)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(x, X)
    assert all(module.training for module in net.modules())
    assert all(part.is_first for part in net.modules() if isinstance(part, Takes))


class Timed(Chosen):
    """Not of `pdas.nn`: it says what is active, and derives."""

    def derive(self, architecture: Any, keep_weights: bool = False) -> nn.Module:
        times = {"relu": 1.0, "tanh": 2.0, "gelu": 5.0}
        names = ("first", "second")[: architecture["depth"]]
        return nn.Sequential(*(Takes(times[architecture[name]]) for name in names))


def test_of_any_supernet_that_derives() -> None:
    net = Timed()
    cost = latency(net, X, runs=3, minutes=1e6)
    assert isinstance(cost, FunctionCost) and cost.error == pytest.approx(0.0, abs=1e-12)
    for first in net.space["first"]:
        for second in net.space["second"]:
            for depth in (1, 2):
                labels = {"depth": depth, "first": first, "second": second}
                architecture = net.space.architecture(labels)
                expected = milliseconds(net.derive(architecture))
                assert cost(architecture) == pytest.approx(expected, rel=1e-12)


def test_derived_networks_may_come_from_elsewhere() -> None:
    net = Chosen()
    cost = latency(net, X, derive=lambda a: Takes(0.008 if a["first"] == "tanh" else 0.002))
    assert cost(net.space.architecture([0, 0, 0])) == pytest.approx(2.0)
    assert cost(net.space.architecture([0, 1, 0])) == pytest.approx(8.0)


class Product(nn.Module):
    """Takes the product of two values, which no sum is."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.ModuleList(Value(name, [1, 2, 4, 8]) for name in "uvwx")

    def forward(self, x: Tensor) -> Tensor:
        u, v, w, y = (float(value.value) for value in self.values)  # type: ignore[operator, union-attr]
        CLOCK.now += u * v + w + y
        return x


def test_the_error_is_that_of_whole_networks() -> None:
    net = Supernet(Product())
    measurement = LatencyMeasurement(net, X, runs=1)
    with pytest.warns(PdasWarning, match=r"^latency: found sums that are off by \d+% on average"):
        found = measurement.run(1e9)
    cost = found.cost(net)
    assert len(found.checks) == 5
    by_measured = {1000.0 * (a["u"] * a["v"] + a["w"] + a["x"]): a for a in every(net)}  # type: ignore[operator]
    assert all(measured in by_measured for _, measured in found.checks)
    off = sum(abs(total - measured) for total, measured in found.checks)
    assert found.error == off / sum(measured for _, measured in found.checks) > 0.2
    assert cost.error == found.error  # type: ignore[attr-defined]
    assert f"off by {found.error:.1%} on average" in repr(cost)
    assert f"off by {found.error:.1%} on average, in 5 networks" in str(found)


def test_it_is_nearer_than_around_one_extreme_architecture() -> None:
    net = Supernet(Product())
    with pytest.warns(PdasWarning, match="latency"):
        cost = net.cost("latency", X, minutes=1e9)
    off, off_around_first = 0.0, 0.0
    for architecture in every(net):
        u, v, w, x = (float(architecture[name]) for name in net.space)  # type: ignore[arg-type]
        off += abs(cost(architecture) / 1000 - (u * v + w + x))
        off_around_first += abs(u + v - 1 - u * v)
    assert off < 0.8 * off_around_first


# ---- how long it takes


def test_the_time_is_known_before() -> None:
    net = stack()
    measurement = LatencyMeasurement(net, X, runs=6)
    about = measurement.seconds
    CLOCK.now = 0.0
    measurement.run(minutes=1e6)
    assert about == pytest.approx(CLOCK.now, rel=0.5)  # networks differ, and first calls are slower


def test_less_time_gives_fewer_runs_and_too_little_is_refused() -> None:
    net = stack()
    needed = LatencyMeasurement(net, X, runs=6).seconds / 60
    with pytest.warns(PdasWarning, match=r"^runs: found 15, which take .* so there are 6; raise"):
        cost = net.cost("latency", X, minutes=1.01 * needed)
    assert cost.error == pytest.approx(0.0, abs=1e-12)
    least = LatencyMeasurement(net, X, runs=3).seconds / 60
    with pytest.raises(SettingError, match=r"^minutes: found .*, for \d+ networks; raise") as error:
        net.cost("latency", X, minutes=0.9 * least)
    said = float(str(error.value).split("at least ")[1].split(",")[0])
    assert least <= 1.01 * said <= 1.1 * least
    net.cost("latency", X, runs=3, minutes=1.01 * said)


def test_a_large_space_is_measured_a_few_networks_at_a_time() -> None:
    choices = [Choice(f"op{i}", {"a": nn.Identity(), "b": Takes(1)}) for i in range(40)]
    wide = Choice("wide", {str(i): Takes(i) for i in range(100)})
    net = Supernet(nn.Sequential(*choices, wide))
    alive: list[int] = []

    def derive(architecture: Any) -> nn.Module:
        alive.append(1)
        network = net.derive(architecture, keep_weights=True)
        network.register_forward_pre_hook(lambda *args: most.append(len(alive)))
        weakref.finalize(network, alive.pop)
        return network

    most: list[int] = []
    measurement = LatencyMeasurement(net, X, derive=derive, runs=1)
    assert measurement.networks == pytest.approx((40 + 99) * 8 / 7 + 5, abs=5)
    cost = measurement.run(minutes=1e9).cost(net)
    assert max(most) <= 16  # eight that are measured, and those before until they are dropped
    for architecture in (net.space.uniform(np.random.default_rng(i)) for i in range(5)):
        expected = milliseconds(net.derive(architecture))
        assert cost(architecture) == pytest.approx(expected, rel=1e-9)


def test_each_variable_is_measured_where_it_is_used_and_from_many_architectures() -> None:
    net = stack()
    (changes,) = rounds_of(net, 2, 1)
    seen = [change for each in changes.values() for change in each]
    assert len(seen) == len(set(seen)) == int((net.space.sizes - 1).sum())
    assert len(changes) > 2
    for reference, each in changes.items():
        for position, category in each:
            assert net.active(reference)[position]
            assert reference.indices[position] != category


def test_what_is_drawn_has_each_category_as_often() -> None:
    space = pdas.SearchSpace({"two": [0, 1], "three": ["a", "b", "c"], "many": list(range(100))})
    drawn = np.array([a.indices for a in latin_hypercube(space, 6, np.random.default_rng(0))])
    assert np.bincount(drawn[:, 0]).tolist() == [3, 3]
    assert np.bincount(drawn[:, 1]).tolist() == [2, 2, 2]
    assert sorted(drawn[:, 2] * 6 // 100) == list(range(6))


# ---- devices, weights


def test_it_runs_on_the_device_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []

    class Where(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((self.weight.device.type, x.device.type))
            return super().forward(x)

    net = Supernet(nn.Sequential(Where(3, 3), Choice("op", {"a": Takes(1e-3), "b": Takes(2e-3)})))
    with monkeypatch.context() as patch:
        patch.setattr(timing, "wait_for", lambda devices: waited.append(devices))
        waited: list[Any] = []
        found = LatencyMeasurement(net, X, device="meta").run()
    assert set(seen) == {("meta", "meta")} and found.device == "meta"
    assert {device.type for devices in waited for device in devices} == {"meta"}
    assert next(net.parameters()).device.type == X.device.type == "cpu"
    with pytest.raises(SettingError, match=r"^device: found 'gpu' \(.*\), expected a device"):
        net.cost("latency", X, device="gpu")


def test_a_device_that_computes_meanwhile_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    devices = {torch.device("cpu"), torch.device("cuda", 1), torch.device("meta")}
    timing.wait_for(devices)
    assert waited == [torch.device("cuda", 1)]


def test_weights_are_copied_and_no_strange_ones_are_timed() -> None:
    class Own(nn.Module):  # has no reset_parameters, so that no fresh weights can be drawn
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.0, float("nan"), float("inf"), 1e-40, 0.0]))

        def forward(self, x: Tensor) -> Tensor:
            seen.append(self.weight.tolist())
            return x

    seen: list[list[float]] = []
    own = Own()
    net = Supernet(nn.Sequential(own, Choice("op", {"a": Takes(1e-3), "b": Takes(2e-3)})))
    net.cost("latency", X)
    assert seen and all(weights == [1.0, 0.0, 0.0, 0.0, 0.0] for weights in seen)
    assert own.weight[1].isnan()


# ---- the file


def test_a_file_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, file = stack(), tmp_path / "latency.json"
    measured = net.cost("latency", X, minutes=1e6, file=file)
    content = json.loads(file.read_text())
    assert content["unit"] == "ms" and content["device"] == "cpu" and content["inputs"] == "(2, 3)"
    assert set(content["rows"]) == set(net.space)

    def never(*args: Any) -> Any:
        raise AssertionError("it is read")

    monkeypatch.setattr(LatencyMeasurement, "run", never)
    for again in (
        net.cost("latency", file=file),
        stack().cost("latency", X, device="cpu", file=file),
    ):
        assert again.error == measured.error
        assert [again(a) for a in every(net)] == [measured(a) for a in every(net)]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    net, file = stack(), tmp_path / "latency.json"
    net.cost("latency", X, minutes=1e6, file=file)
    with pytest.raises(SettingError, match=r"^file: found latencies for \(2, 3\), expected"):
        net.cost("latency", X.repeat(2, 1), file=file)
    with pytest.raises(SettingError, match=r"^file: found latencies for cpu, expected for cuda; "):
        net.cost("latency", X, device="cuda:0", file=file)
    other = Supernet(Choice("op", {"a": Takes(1), "b": Takes(2)}))
    with pytest.raises(SpaceError, match=r"^latency: found 2 numbers for the variable 'outer', "):
        other.cost("latency", X, file=file)
    content = json.loads(file.read_text())
    damaged = [{"unit": "s"}, {"rows": {"op": ["fast"]}}, {"constant": None}, {"checks": [[1.0]]}]
    texts = [json.dumps(content | change) for change in damaged]
    for text in (*texts, "[]", "{}", "", "{"):
        file.write_text(text)
        with pytest.raises(SettingError, match=r"^file: found .*latency\.json .* remove") as error:
            net.cost("latency", X, file=file)
        assert "\n" not in str(error.value)


def test_plain_data_is_what_was_measured() -> None:
    found = Latencies(1.5, {"op": [0.0, 2.0]}, [(3.0, 4.0), (5.0, 4.0)], "cpu", 2, "(1, 3)")
    assert found.error == 0.25
    assert Latencies.from_plain(json.loads(json.dumps(found.to_plain()))) == found


# ---- what is refused


def test_what_cannot_be_timed_is_refused() -> None:
    net = stack()
    with pytest.raises(SettingError, match=r"^cost: found no inputs for 'latency', expected a bat"):
        net.cost("latency")
    with pytest.raises(SettingError, match=r"^runs: found 0, expected an integer of at least 1"):
        net.cost("latency", X, runs=0)
    with pytest.raises(SettingError, match=r"^minutes: found 0, expected a number above 0"):
        net.cost("latency", X, minutes=0)
    chosen = Chosen()
    chosen.derive = None  # type: ignore[assignment, method-assign]
    with pytest.raises(SettingError, match=r"^cost: found a Chosen without derive for 'latency'"):
        latency(chosen, X)
