"""Devices by one setting, and what they refuse; what other devices lack is not used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import pdas
from pdas import recipes
from pdas.distributed.devices import check_norms, check_samples, open_fabric
from pdas.distributed.micro_batches import check_equal_parts
from pdas.distributed.numerics import determinism, numerics, tf32, uses_tf32
from pdas.distributed.settings import DeviceSettings
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.searches.run_search import run_search
from pdas.support.errors import SettingError
from tests.conftest import TINY, TINY_INPAINTING, changed


@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_one_process_has_the_precision_of_the_settings(accelerator: Any, precision: Any) -> None:
    fabric = open_fabric(DeviceSettings(accelerator=accelerator, precision=precision))
    assert fabric.world_size == 1
    assert fabric.strategy.precision.precision == precision


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accelerator": "mps"}, "device.accelerator: found 'mps', which this machine does not"),
        ({"accelerator": "mps", "devices": 2}, "device.devices: found 2 of accelerator 'mps' on 1"),
        ({"accelerator": "cpu", "precision": "16-mixed"}, "device.precision: found '16-mixed' on"),
    ],
)
def test_what_cannot_be_had_is_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_fabric(DeviceSettings(**settings))
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("samples", "ranks", "fits"), [(2, 4, 4), (5, 2, 6), (4, 3, 6)])
def test_samples_are_shared_out_equally(samples: int, ranks: int, fits: int) -> None:
    with pytest.raises(SettingError, match=rf"search\.theta_samples: .*set it to {fits}, "):
        check_samples("theta_samples", samples, ranks)
    check_samples("theta_samples", fits, ranks)


def test_norms_that_wait_for_other_ranks_are_refused_in_a_search_of_several() -> None:
    norms = {"plain": nn.BatchNorm1d(4), "all": nn.SyncBatchNorm(4)}
    net = pdas.nn.Supernet(nn.Sequential(nn.Linear(4, 4), pdas.nn.Choice("norm", norms)))
    line = r"^net: found SyncBatchNorm as 'module\.1\.1' in a search on 2 devices, .*; replace it"
    with pytest.raises(SettingError, match=line):  # before anything of its Fabric is used
        run_search(net, None, (), None, None, SimpleNamespace(world_size=2), seed=0)  # type: ignore[arg-type]
    check_norms(net, ranks=1)
    check_norms(nn.BatchNorm1d(4), ranks=2)


@pytest.mark.parametrize(
    ("batch_size", "shares", "message"),
    [
        (65, {"ranks": 2}, "retrain.batch_size: found 65, .* the 2 devices, .* set it to 64, "),
        (1, {"ranks": 2}, "retrain.batch_size: found 1, .* set it to 2, "),
        (80, {"accumulate": 3}, "retrain.accumulate: found 3, expected 1 or 2 or 4 .* or 80 equal"),
        (80, {"ranks": 2, "accumulate": 3}, "of the 40 examples of a batch; set it to one of them"),
        (8, {"accumulate": 8, "smallest": 2}, "found 8, expected 1 or 2 or 4 equal parts"),
    ],
)
def test_batches_have_equal_parts(batch_size: int, shares: dict[str, int], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check_equal_parts("retrain", batch_size, **shares)


@pytest.mark.parametrize(
    ("batch_size", "shares"),
    [
        (64, {"ranks": 2}),
        (80, {"ranks": 2, "accumulate": 4}),
        (8, {"accumulate": 4, "smallest": 2}),
    ],
)
def test_parts_that_fit_are_taken(batch_size: int, shares: dict[str, int]) -> None:
    check_equal_parts("retrain", batch_size, **shares)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("search.accumulate=3", "search.accumulate: found 3, expected 1 or 2 or 4 or 8"),
        ("retrain.accumulate=3", "retrain.accumulate: found 3, expected 1 or 2"),
        ("retrain.accumulate=32", "retrain.accumulate: found 32, expected .* or 16 equal parts"),
    ],
)
def test_an_experiment_refuses_parts_that_do_not_fit(
    experiment: Experiment, change: str, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        changed(experiment, change)


class NoFloat64(TorchDispatchMode):
    """A device without float64, as MPS is: every tensor that torch makes meanwhile is looked at."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **kwargs or {})
        for leaf in tree_leaves(result):
            assert not isinstance(leaf, torch.Tensor) or leaf.dtype != torch.float64, func
        return result


@pytest.mark.parametrize("recipe", ["digits", "inpaint-photos"])
def test_steps_need_no_float64(recipe: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    tiny = (*TINY, "retrain.epochs=1") if recipe == "digits" else TINY_INPAINTING
    experiment = Experiment(recipes.load(recipe, (*tiny, "search.epochs=null", "search.steps=2")))
    seen: list[str] = []
    for stage in ("run_search", "retrain"):
        module = f"pdas.experiment.trainings.{stage}"
        original = getattr(__import__("pdas.experiment.trainings", fromlist=[stage]), stage)

        def watched(*args: Any, original: Any = original, stage: str = stage, **named: Any) -> Any:
            seen.append(stage)
            with NoFloat64():
                return original(*args, **named)

        monkeypatch.setattr(module, watched)
    run: Run = experiment.search(tmp_path / "run")
    experiment.retrain(run)
    assert seen == ["run_search", "retrain"]


def test_tf32_is_set_so_that_all_can_still_read_it() -> None:
    """Of PyTorch's newer flags one that is set makes reading the older ones an error."""

    def read() -> tuple[bool, str]:
        with torch.backends.cudnn.flags(enabled=True):  # which reads them, to set them back
            pass
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()

    before = read()
    for allowed, precision in ((False, "highest"), (True, "high")):
        with tf32(allowed):
            assert read() == (allowed, precision)
            assert torch.backends.cuda.matmul.allow_tf32 == allowed
        assert read() == before


def test_by_default_float32_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert torch.backends.cudnn.allow_tf32  # of PyTorch
    with numerics(DeviceSettings()):
        assert not torch.backends.cudnn.allow_tf32
    with numerics(DeviceSettings(tf32=True)):
        assert torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("major", "uses"), [(7, False), (8, True), (9, True)])
def test_only_newer_gpus_have_tf32(major: int, uses: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (major, 0))
    gpu = torch.device("cuda", 0)
    assert uses_tf32(DeviceSettings(tf32=True), gpu) == uses
    assert not uses_tf32(DeviceSettings(), gpu)
    assert not uses_tf32(DeviceSettings(tf32=True), torch.device("cpu"))


def test_determinism_is_asked_for_and_ends() -> None:
    for asked in (False, True):
        with determinism(DeviceSettings(deterministic=asked)):
            assert torch.are_deterministic_algorithms_enabled() == asked
            # Otherwise each new tensor would be a launch more.
            assert torch.utils.deterministic.fill_uninitialized_memory == (not asked)  # type: ignore[attr-defined]
        assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        assert not torch.are_deterministic_algorithms_enabled()


def test_what_has_no_deterministic_version_is_one_line() -> None:
    """As torch says it of an operation on a GPU."""
    line = "device.deterministic: found true, expected false on this device "
    settings = DeviceSettings(deterministic=True)
    with pytest.raises(SettingError) as caught, determinism(settings):
        raise RuntimeError("an_operation does not have a deterministic implementation.\nMore.")
    assert str(caught.value).startswith(line) and "an_operation" in str(caught.value)
    assert "\n" not in str(caught.value)
    with (
        pytest.raises(RuntimeError, match="other"),
        determinism(DeviceSettings(deterministic=True)),
    ):
        raise RuntimeError("something other")


@pytest.mark.parametrize("recipe", ["digits", "inpaint-photos"])
def test_the_shipped_networks_can_be_deterministic(
    recipe: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    tiny = (*TINY, "retrain.epochs=1") if recipe == "digits" else TINY_INPAINTING
    length = ("search.epochs=null", "search.steps=2", "device.deterministic=true")
    experiment = Experiment(recipes.load(recipe, (*tiny, *length)))
    kind: Any = type(experiment._opened.task)
    seen = []
    for name in ("evaluate_on", "evaluate_saved"):
        original = getattr(kind, name)

        def watched(*args: Any, original: Any = original) -> Any:
            seen.append(torch.are_deterministic_algorithms_enabled())
            return original(*args)

        monkeypatch.setattr(kind, name, watched)
    experiment.evaluate(experiment.retrain(experiment.search(tmp_path / "run")))
    assert set(seen) == {True} and len(seen) >= 2
