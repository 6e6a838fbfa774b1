"""The Python of the README and of the documents runs as it stands, and does what it says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pdas
from pdas.data.views.areas import Central
from pdas.experiment.export import export
from pdas.runs.run import Run
from pdas.tasks.classification.classifier import Classifier
from pdas.tasks.image_tasks.inputs import pixels_of
from pdas.tasks.loading import load

README = Path(__file__).parents[1] / "README.md"
NETWORKS = README.parent / "docs" / "networks.md"
EXPORT = README.parent / "docs" / "export.md"
TRAINED = README.parent / "docs" / "trained-networks.md"
RECIPES = README.parent / "docs" / "recipes.md"
TABULAR = README.parent / "docs" / "tabular.md"


def blocks(page: Path) -> list[str]:
    """The Python of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def block_with(text: str, page: Path = README) -> str:
    """The one block of a page that has this text."""
    (block,) = (block for block in blocks(page) if text in block)
    return block


def run(block: str) -> dict[str, Any]:
    torch.manual_seed(0)  # the example draws its weights as they come
    names: dict[str, Any] = {}
    exec(compile(block, str(README), "exec"), names)
    return names


def test_example_of_a_network_and_data_of_ones_own_is_short_and_learns() -> None:
    example = block_with("pdas.nn.Supernet(module)")
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 17
    names = run(example)
    result = names["result"]
    assert result.history[-1].measures["loss"] < 0.7 * result.history[0].measures["loss"]
    theta = result.optimizer.theta
    assert theta["width"][2] > 0.66  # of at most 2 / 3
    assert theta["activation"][0] > 0.7  # of at most 3 / 4
    network, (x, y) = names["network"], names["validation"][:]
    assert type(network[0]) is torch.nn.Linear and not network.training
    assert (network(x).argmax(1) == y).float().mean() > 0.95


def test_a_model_that_one_has_becomes_a_search_space(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("import pdas, torch\n" + block_with("resnet18()"))
    assert len(names["net"].space) == 12 and "layer1.0.conv1" in capsys.readouterr().out


def test_the_readme_is_short_and_its_files_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    for target in re.findall(r"\]\(([^)#:]+)", text):
        assert (README.parent / target).exists(), target


def test_example_of_the_optimizer_finds_the_best_architecture() -> None:
    run(block_with("optimizer.ask", TABULAR))


def test_example_of_an_export_gives_the_trained_network(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export(finished.path, "state_dict", Path("export-state_dict"))
    network = run(blocks(EXPORT)[0])["network"]
    classifier = load(finished.path)
    assert isinstance(classifier, Classifier)
    images = torch.randint(256, (3, 1, 8, 8), dtype=torch.uint8)
    found = network(classifier.standardise(images)).softmax(1)
    torch.testing.assert_close(found, classifier.probabilities(images))


def pictures(folder: Path) -> list[Path]:
    """Image files that are easily read in another way."""
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(256, size=(37, 90, 3), dtype=np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    translucent = colour.copy()
    translucent.putalpha(Image.fromarray(rng.integers(256, size=(37, 90), dtype=np.uint8)))
    images: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "colour.png": (colour, {}),
        "turned.jpg": (colour, {"exif": turned}),
        "large.jpg": (colour.resize((900, 370)), {"quality": 95}),
        "translucent.png": (translucent, {}),
        "palette.gif": (colour.quantize(16), {}),
        "deep.png": (Image.fromarray(rng.integers(65536, size=(20, 9), dtype=np.uint16)), {}),
    }
    for name, (image, options) in images.items():
        image.save(folder / name, **options)
    return [folder / name for name in images]


@pytest.mark.parametrize("crop", ["none", 0.875, 1.0])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (3, 5, 5)])
def test_the_page_of_exports_makes_the_input_of_any_image(
    shape: tuple[int, int, int],
    crop: float | str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    about = {"image_shape": shape, "preprocessing": {"crop": crop}}
    Path("network.json").write_text(json.dumps(about))
    view = None if isinstance(crop, str) else Central(crop)
    network_input = run(blocks(EXPORT)[1])["network_input"]
    for file in pictures(tmp_path):
        expected = pixels_of(file, shape[0], shape[1], view).numpy() / np.float32(255)
        found = network_input(file)
        assert found.dtype == np.float32 and np.array_equal(found, expected), file.name


def test_the_page_of_exports_gives_the_predictions_of_the_classifier(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = export(finished.path, "state_dict", Path("export-state_dict"))
    shutil.copy(made / "network.json", tmp_path)
    names, network = run(blocks(EXPORT)[1]), run(blocks(EXPORT)[0])["network"]
    files, about = pictures(tmp_path), names["about"]
    images = torch.tensor(np.stack([names["network_input"](file) for file in files]))
    mean, std = (torch.tensor(about[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    probabilities = network((images - mean) / std).detach().softmax(1)
    predictions = load(finished.path).predict(files)
    for row, prediction in zip(probabilities, predictions, strict=True):
        assert about["classes"][int(row.argmax())] == prediction.label
        assert float(row.max()) == pytest.approx(prediction.probability, rel=1e-4)


def test_the_page_of_exports_deploys_the_classifier_without_torch(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = export(finished.path, "onnx", Path("export-onnx"))
    for name in ("network.json", "network.onnx"):
        shutil.copy(made / name, tmp_path)
    blocks_there = [block for block in blocks(EXPORT) if "network_input" in block]
    assert "torch" not in "".join(blocks_there)
    files = pictures(tmp_path)
    for (label, probability), expected in zip(
        run("\n".join(blocks_there))["classify"](files),
        load(finished.path).predict(files),
        strict=True,
    ):
        assert label == expected.label
        assert probability == pytest.approx(expected.probability, rel=1e-4)


def test_example_of_using_a_run_predicts(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs", "folder-0").symlink_to(finished.path, target_is_directory=True)
    Image.new("RGB", (40, 30)).save("photo.jpg")
    example = block_with("pdas.load", RECIPES)
    (prediction,) = run(example)["classifier"].predict("photo.jpg")
    shown = example.split("# [")[1].split("]")[0]
    assert re.sub("'.*'", repr(prediction.label), shown).startswith(repr(prediction).split(", ")[0])


@pytest.mark.parametrize("block", blocks(NETWORKS))
def test_the_examples_of_networks_run(block: str) -> None:
    run(block)


def test_the_page_of_trained_networks_is_one_program() -> None:
    names = run("".join(blocks(TRAINED)))
    model, by_hand, (x, _) = names["model"].eval(), names["by_hand"], names["data"][:8]
    by_hand.load_state_dict(model.state_dict())
    whole = pdas.nn.Supernet(by_hand).eval()
    assert torch.equal(whole(x, whole.largest), model(x))
    net, network, cost = names["net"].eval(), names["network"], names["cost"]
    torch.testing.assert_close(net(x, net.largest), model(x))  # sorted, and its weights kept
    weights = sum(weight.numel() for weight in network.parameters())
    assert weights == cost(names["result"].architecture) <= 0.6 * cost(net.largest)


def test_the_example_of_the_commands_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(README.parent / "docs" / "python.md")
    smaller = '{"network": {"nodes": 1, "channels": 2}, "retrain.weight_limit": 9000, "search": {'
    run(example.replace('{"search": {', f'{smaller}"method": "random", '))
    assert Path("runs/quick/retrain-1/export-card/README.md").is_file()
