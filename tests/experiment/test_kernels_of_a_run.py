"""Which operators a run uses: its setting, what its files say, and a resume with others."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.experiment.preparation import set_kernels
from pdas.kernels.library import Library
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run
from pdas.spaces.cells.supernet import CellSupernet
from tests.conftest import PAPER_SEARCH, TINY, TINY_INPAINTING, changed
from tests.kernels.compiled import need_library
from tests.waiting import stop_at


def used(run: Run) -> str | None:
    return run.raw_config()["environment"].get("kernels")


@pytest.fixture
def short(experiment: Experiment) -> Experiment:
    return changed(experiment, *PAPER_SEARCH, "search.epochs=1", "retrain.epochs=1")


def test_a_run_says_what_it_uses(
    short: Experiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    need_library()
    with caplog.at_level(logging.INFO):
        run = short.search(tmp_path / "run")
    assert "kernels: compiled (" in caplog.text
    assert str(used(run)).startswith("compiled (")
    retrained = short.retrain(run)
    assert used(retrained) == used(run)


def test_the_library_alone(short: Experiment, tmp_path: Path) -> None:
    run = changed(short, "device.kernels=library").search(tmp_path / "run")
    assert used(run) == "library (as set)"


@pytest.mark.parametrize(
    ("setting", "searched", "retrained"),
    [
        ("device.compile=true", "compiled (avx2, wheel)", "library (torch.compile)"),
        ("device.precision=bf16-mixed", *["library (the precision is bf16-mixed)"] * 2),
        ("device.precision=32-true", *["compiled (avx2, wheel)"] * 2),
    ],
)
@pytest.mark.parametrize("kernels", ["auto", "library"])
def test_what_is_said_is_what_is_used(
    setting: str, searched: str, retrained: str, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = Library(origin="wheel", instructions="avx2")
    monkeypatch.setattr("pdas.kernels.library.library", lambda: loaded)
    recipe = recipes.load("digits", (*TINY, setting, f"device.kernels={kernels}"))
    net = CellSupernet(nodes=2, channels=4)
    for expected, retraining in ((searched, False), (retrained, True)):
        said = set_kernels(net, recipe, torch.device("cpu"), retraining=retraining)
        assert said == (expected if kernels == "auto" else "library (as set)")
        assert net.use_kernels is said.startswith("compiled")
    assert set_kernels(None, recipe, torch.device("cpu")) is None


def test_the_check_names_both_where_they_differ(experiment: Experiment) -> None:
    need_library()
    found = changed(experiment, *PAPER_SEARCH, "device.compile=true").check()
    assert str(found.kernels).startswith("search: compiled (")
    assert str(found.kernels).endswith("; retraining: library (torch.compile)")


def test_a_failed_build_is_a_line_and_a_run(
    short: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Library(missing="there is no C++ compiler")
    monkeypatch.setattr("pdas.kernels.library.library", lambda: none)
    run = short.search(tmp_path / "run")
    assert used(run) == "library (there is no C++ compiler)"
    assert run.architecture_file().is_file()


def test_auto_encoders_have_no_choice_of_operators(tmp_path: Path) -> None:
    recipe = recipes.load("inpaint-photos", TINY_INPAINTING)
    assert used(Experiment(recipe).search(tmp_path / "run")) is None


def test_a_resume_with_other_operators_is_told(
    short: Experiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    need_library()
    with pytest.raises(StoppedError):
        short.search(tmp_path / "run", stop_at(3))
    other = changed(short, "device.kernels=library")
    run = other.search(tmp_path / "run", resume=True)
    assert "kernels: library (as set), before the stop compiled (" in caplog.text
    assert used(run) == "library (as set)"


def test_a_network_that_was_set_works_in_a_process_without_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = CellSupernet(nodes=2, channels=4)
    for module in net.modules():
        module.use_kernels = True  # type: ignore[assignment]
    missing = Library(missing="there is no C++ compiler")
    monkeypatch.setattr("pdas.kernels.conditions.library", lambda: missing)
    monkeypatch.setattr("pdas.spaces.cells.fused.operators", None)
    architecture = net.space.architecture([0] * len(net.space))
    assert net(torch.rand(2, 3, 8, 8), architecture).requires_grad


def test_the_setting_is_one_of_two() -> None:
    with pytest.raises(ValueError, match=r"device\.kernels"):
        recipes.load("digits", (*TINY, "device.kernels=fast"))
