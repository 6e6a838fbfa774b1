"""The files of an exported classifier compute what the classifier does."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.experiment import export as module
from pdas.experiment.export import FORMATS, Exported, export
from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError, SettingError
from pdas.tasks.classification.classifier import Classifier
from pdas.tasks.description import read_network
from pdas.tasks.loading import load

IMAGES = torch.randint(256, (7, 1, 8, 8), dtype=torch.uint8)


@pytest.fixture(scope="module")
def exported(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("exports")
    return {name: export(finished.path, name, root / name) for name in FORMATS}


@pytest.fixture
def probabilities(finished: Run) -> Tensor:
    classifier = load(finished.path)
    assert isinstance(classifier, Classifier)
    return classifier.probabilities(IMAGES)


def description(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "network.json").read_text())  # type: ignore[no-any-return]


def test_each_format_has_its_files(exported: dict[str, Path]) -> None:
    files = {name: {file.name for file in path.iterdir()} for name, path in exported.items()}
    assert files == {
        "state_dict": {"network.json", "state_dict.pt"},
        "torch": {"network.json", "program.pt2"},
        "onnx": {"network.json", "network.onnx"},
    }


def test_the_description_says_what_the_network_is(exported: dict[str, Path], finished: Run) -> None:
    found = description(exported["onnx"])
    result = finished.retrainings()[0].read_json("result.json")
    for name in ("architecture", "network", "classes", "mean", "std"):
        assert found[name] == result[name]
    assert (found["format"], found["task"], found["image_shape"]) == (
        3,
        "classification",
        [1, 8, 8],
    )
    assert all(description(path) == found for path in exported.values())


def test_programs_carry_the_description(exported: dict[str, Path]) -> None:
    about = description(exported["onnx"])
    files = {"network.json": ""}
    torch.export.load(exported["torch"] / "program.pt2", extra_files=files)
    assert json.loads(files["network.json"]) == about
    onnxruntime = importlib.import_module("onnxruntime")
    session = onnxruntime.InferenceSession(exported["onnx"] / "network.onnx")
    found = session.get_modelmeta().custom_metadata_map
    assert found.keys() == about.keys()
    assert {"classes", "image_shape", "preprocessing", "mean", "std"} <= found.keys()
    for name, text in found.items():
        assert (text if isinstance(about[name], str) else json.loads(text)) == about[name]


def test_the_weights_are_loaded_in_a_fresh_process(
    exported: dict[str, Path], probabilities: Tensor, tmp_path: Path
) -> None:
    shutil.copytree(exported["state_dict"], tmp_path, dirs_exist_ok=True)
    about = description(tmp_path)
    np.save(tmp_path / "x.npy", (IMAGES.numpy() / 255 - about["mean"][0]) / about["std"][0])
    program = (
        "import numpy, torch\n"
        "from pdas import read_network\n"
        "network = read_network('network.json')\n"
        "network.load_state_dict(torch.load('state_dict.pt', weights_only=True))\n"
        "x = torch.tensor(numpy.load('x.npy')).float()\n"
        "numpy.save('y.npy', network.eval()(x).softmax(1).detach())\n"
    )
    library = os.environ | {"PYTHONPATH": str(Path(pdas.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=library)
    torch.testing.assert_close(torch.tensor(np.load(tmp_path / "y.npy")), probabilities)


@pytest.mark.parametrize("n", [1, 7])
def test_the_torch_program_takes_images_of_any_number(
    exported: dict[str, Path], probabilities: Tensor, n: int
) -> None:
    program = torch.export.load(exported["torch"] / "program.pt2").module()
    logits = program(IMAGES[:n] / 255)
    torch.testing.assert_close(logits.softmax(1), probabilities[:n])


@pytest.mark.parametrize("n", [1, 7])
def test_the_onnx_file_takes_images_of_any_number(
    exported: dict[str, Path], probabilities: Tensor, n: int
) -> None:
    onnxruntime = importlib.import_module("onnxruntime")
    session = onnxruntime.InferenceSession(exported["onnx"] / "network.onnx")
    (logits,) = session.run(["logits"], {"images": (IMAGES[:n] / 255).numpy()})
    torch.testing.assert_close(torch.tensor(logits).softmax(1), probabilities[:n])


def test_a_constant_channel_is_not_divided(finished: Run, tmp_path: Path) -> None:
    run = Run(Path(shutil.copytree(finished.path, tmp_path / "copy")) / "retrain-0")
    run.write_json("result.json", run.read_json("result.json") | {"std": [0.0]})
    classifier = load(run.path)
    assert isinstance(classifier, Classifier)
    out = export(run.path, "torch")
    assert description(out)["std"] == [1.0]
    logits = torch.export.load(out / "program.pt2").module()(IMAGES / 255)
    torch.testing.assert_close(logits.softmax(1), classifier.probabilities(IMAGES))


def test_by_default_it_goes_into_the_retraining_and_never_over_anything(
    finished: Run, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    out = export(run)
    assert out == run / "retrain-0" / "export-state_dict"
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    with pytest.raises(RunError, match=r"^--out: \S*export-state_dict already exists"):
        export(run / "retrain-0")
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before
    assert isinstance(load(run), Classifier)


def refused(run: Path, format: str, out: Path, error: type[PdasError], match: str) -> None:
    """An export that is refused in one line and leaves nothing."""
    with pytest.raises(error, match=match) as found:
        export(run, format, out)
    assert "\n" not in str(found.value)
    assert not out.exists()


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_extra_is_named(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    match = rf"^--format: found no package {package}, .*pip install 'pdas-nas\[onnx\]'$"
    refused(finished.path, "onnx", tmp_path / "out", SettingError, match)


def test_what_cannot_be_exported_is_refused(finished: Run, tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    refused(finished.path, "tf", out, SettingError, "^--format: found 'tf', expected one of state")
    refused(tmp_path, "torch", out, RunError, r"has no config\.yaml")
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    result = Run(run / "retrain-0").read_json("result.json")
    Run(run / "retrain-0").write_json("result.json", result | {"classes": ["one"]})
    refused(
        run, "torch", out, RunError, r"result\.json: damaged \(network: found no size that fits"
    )
    Run(run / "retrain-0").write_json("result.json", result | {"classes": ["one", "two"]})
    refused(
        run, "torch", out, RunError, r"damaged \(network.classes: found 10, expected 2 for images"
    )
    (run / "retrain-0" / "result.json").unlink()
    refused(run, "torch", out, RunError, "no finished retraining; `pdas retrain")
    refused(run / "retrain-0", "torch", out, RunError, "no finished retraining")
    assert not out.parent.exists()


class Other(nn.Module):
    """Gives the outputs of another network, changed by `change`."""

    def __init__(self, network: nn.Module, change: float) -> None:
        super().__init__()
        self.network, self.change = network, change

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x) * self.change  # type: ignore[no-any-return]


@pytest.mark.parametrize("change", [1.001, float("nan")])
def test_a_file_that_computes_something_else_is_not_handed_over(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: float
) -> None:
    def damaged(about: Any, network: nn.Module) -> Exported:
        return Exported("program.pt2", b"", about.program(Other(network, change)))

    monkeypatch.setattr(module, "FORMATS", {"torch": damaged})
    match = "^export: found outputs that differ by .*, expected at most 0.0001 of their largest"
    refused(finished.path, "torch", tmp_path / "out", RunError, match)


def test_what_an_exporter_raises_is_one_line(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise NotImplementedError("no such\noperator")

    monkeypatch.setattr(torch.export, "export", fails)
    match = r"^export: torch \S+ could not write this network as torch \(no such operator\); try"
    refused(finished.path, "torch", tmp_path / "out", RunError, match)


def test_an_interrupt_leaves_nothing(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "_check", interrupt)
        export(finished.path, "state_dict", tmp_path / "out")
    assert not list(tmp_path.iterdir())
    export(finished.path, "state_dict", tmp_path / "out")
    read_network(tmp_path / "out" / "network.json")


@pytest.mark.parametrize("full", ["state_dict.pt", "network.json"])
def test_a_full_disk_is_said_and_only_a_note_of_the_user_stays(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    out = tmp_path / "out"

    replace = os.replace

    def full_at(part: str, path: Path) -> None:
        (out / "note.txt").write_text("mine")
        if path.name == full:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(part, path)

    monkeypatch.setattr(os, "replace", full_at)
    match = rf"^\S+/out/{full}: cannot be written \(No space left on device\), expected room"
    with pytest.raises(RunError, match=match):
        export(finished.path, "state_dict", out)
    assert [path.name for path in out.iterdir()] == ["note.txt"]


def test_what_a_library_cannot_write_is_not_blamed_on_torch(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch.export, "export", full)
    match = r"^export: the network cannot be written as torch \(\[Errno 28\] No space left on "
    refused(finished.path, "torch", tmp_path / "out", RunError, match)
