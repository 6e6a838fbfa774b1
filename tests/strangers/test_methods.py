"""Methods from files of their own: an optimizer unlike PDAS, and a method that is no optimizer."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.constraints.limit import Limit
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.resume.checkpoint import Checkpoints
from pdas.support.errors import SettingError
from pdas.testing import OptimizerTests
from tests.conftest import TINY
from tests.strangers.evolution import RegularisedEvolution
from tests.strangers.mixture import MixedNet, Mixture

ROOT = Path(__file__).parents[2]
METHOD = "search.method=tests.strangers.evolution:RegularisedEvolution"


class TestRegularisedEvolution(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: RegularisedEvolution(space, seed=seed, population=4, sample=2)


def data() -> TensorDataset:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x[:, :1] > 0) + 0.5 * x[:, 1:2])


def squared(model: Any, batch: Any) -> torch.Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def choices() -> Supernet:
    torch.manual_seed(0)
    width = Value("width", [2, 4, 8])
    activation = Choice("activation", {"relu": torch.nn.ReLU(), "tanh": torch.nn.Tanh()})
    return Supernet(torch.nn.Sequential(Linear(4, width), activation, Linear(width, 1)))


QUICK: dict[str, Any] = {"steps": 40, "batch_size": 20, "preset": "paper"}


def test_an_optimizer_searches_and_what_it_measures_is_told() -> None:
    net = choices()
    optimizer = RegularisedEvolution(net.space, seed=1, population=6, sample=3)
    told: list[pdas.Progress] = []
    result = pdas.search(net, squared, data(), method=optimizer, on_step=told.append, **QUICK)
    assert result.architecture == optimizer.best() and result.optimizer is optimizer
    assert told[-1].measures["population"] == 6
    assert not {"eta", "convergence"} & told[-1].measures.keys()
    assert result.theta == []


def test_a_limit_holds_around_any_optimizer() -> None:
    net = choices()
    cost = net.cost("parameters")
    limit = Limit(cost, cost(net.space.architecture({"width": 4, "activation": "relu"})))
    optimizer = RegularisedEvolution(net.space, seed=1, population=6, sample=3)
    result = pdas.search(net, squared, data(), method=optimizer, limit=limit, **QUICK)
    assert limit.holds(result.architecture)
    assert 0 < result.history[-1].measures["rejection_rate"] < 1


@pytest.mark.parametrize("kind", ["evolution", "mixture"])
def test_a_search_that_is_stopped_ends_as_if_it_had_not_been(kind: str, tmp_path: Path) -> None:
    def searched(stop: int | None, checkpoints: Checkpoints | None) -> Any:
        torch.manual_seed(0)
        net = MixedNet() if kind == "mixture" else choices()
        evolution = RegularisedEvolution(net.space, seed=1, population=6, sample=3)

        def interrupt(progress: pdas.Progress) -> None:
            if progress.step == stop:
                import signal

                signal.raise_signal(signal.SIGINT)

        method = Mixture() if kind == "mixture" else evolution
        result = pdas.search(
            net,
            squared,
            data(),
            method=method,
            checkpoints=checkpoints,
            on_step=interrupt,
            finalists=0,
            **QUICK,
        )
        assert result.stopped == (None if stop is None else "interrupted")
        rows = [(p.step, p.measures) for p in result.history]
        return result.architecture, rows, [w.tolist() for w in net.parameters()]

    whole = searched(None, None)
    searched(13, Checkpoints(tmp_path))
    assert searched(None, Checkpoints(tmp_path)) == whole


def test_a_mixture_of_all_operations_is_a_method() -> None:
    torch.manual_seed(0)
    net = MixedNet()
    before = [weight.clone() for weight in net.parameters()]
    result = pdas.search(net, squared, data(), method=Mixture(), **QUICK)
    assert result.architecture.space == net.space
    first, last = result.history[0].measures, result.history[-1].measures
    assert last["theta_loss"] < first["theta_loss"]
    assert last["confidence"] > 1 / 3 + 0.01
    assert any((w != b).any() for w, b in zip(net.parameters(), before, strict=True))


def test_a_limit_around_what_draws_nothing_is_refused() -> None:
    net = MixedNet()
    limit = Limit(pdas.cost.FunctionCost(net.space, lambda a: 1.0), 2.0)
    with pytest.raises(SettingError, match=r"limit: found one beside Mixture, which draws no"):
        pdas.search(net, squared, data(), method=Mixture(), limit=limit, **QUICK)


def run_pdas(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pdas.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of a recipe with evolution, by the command line alone."""
    out = tmp_path_factory.mktemp("sweep") / "out"
    changes = [word for each in (*TINY, METHOD) for word in ("--set", each)]
    words = ["sweep", "digits", "--seeds", "2", "--workers", "1", "--out", str(out), *changes]
    done = run_pdas(*words, folder=ROOT)
    assert done.returncode == 0, done.stderr
    return out


def test_a_recipe_is_searched_by_evolution_and_swept(swept: Path) -> None:
    with (swept / "seed-0" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["population"]) > 0 and "eta" not in rows[-1]
    assert not (swept / "seed-0" / "theta.npz").exists()
    search = json.loads((swept / "seed-1" / "search.json").read_text())
    assert search["method"].endswith(":RegularisedEvolution") and search["population"] > 0
    comparison = json.loads((swept / "sweep.json").read_text())
    assert set(comparison["measures"]["test_error"]["values"]) == {"0", "1"}


def test_what_evolution_measures_is_in_the_report(swept: Path) -> None:
    done = run_pdas("report", str(swept / "seed-0"), folder=ROOT)
    assert done.returncode == 0, done.stderr
    page = (swept / "seed-0" / "report.html").read_text()
    assert "population" in page + done.stdout
    assert "<svg" in page


def test_a_file_cannot_name_code(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("name: mine\ndata: {name: digits}\nsearch: {method: os:getcwd}\n")
    done = run_pdas("run", str(recipe), folder=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "search.method: found 'os:getcwd'" in done.stderr
    assert "add --set search.method=os:getcwd" in done.stderr


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("annealing", r"search\.method: found 'annealing', expected one of .*pdas"),
        ({"name": "pdas", "eta_scale": 2}, r"search\.method\.eta_scale: found 2, .*1"),
        ({"name": "pdas", "alhpa": 2}, r"search\.method\.alhpa: there is no .*did you mean alpha"),
        (object(), r"method: found object without ask, tell, best"),
        ("os:nothing", r"search\.method: .*os"),
    ],
)
def test_a_method_that_is_none_is_refused_in_one_line(method: Any, expected: str) -> None:
    with pytest.raises(SettingError, match=expected) as caught:
        pdas.search(choices(), squared, data(), method=method, **QUICK)
    assert "\n" not in str(caught.value)
