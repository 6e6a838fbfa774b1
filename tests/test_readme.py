"""The Python of the README and of docs/networks.md runs as it stands, and does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from pdas.experiment.export import export
from pdas.runs.run import Run
from pdas.tasks.classification.classifier import Classifier
from pdas.tasks.loading import load

README = Path(__file__).parents[1] / "README.md"
NETWORKS = README.parent / "docs" / "networks.md"
EXPORT = README.parent / "docs" / "export.md"


def blocks(page: Path) -> list[str]:
    """The Python of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


BLOCKS = blocks(README)


def block_with(text: str) -> str:
    """The one block that has this text."""
    (block,) = (block for block in BLOCKS if text in block)
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


def test_example_of_the_optimizer_finds_the_best_architecture() -> None:
    run(block_with("optimizer.ask"))


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


def test_example_of_using_a_run_predicts(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs", "folder-0").symlink_to(finished.path, target_is_directory=True)
    Image.new("RGB", (40, 30)).save("photo.jpg")
    example = block_with("pdas.load")
    (prediction,) = run(example)["classifier"].predict("photo.jpg")
    shown = example.split("# [")[1].split("]")[0]
    assert re.sub("'.*'", repr(prediction.label), shown).startswith(repr(prediction).split(", ")[0])


@pytest.mark.parametrize("block", blocks(NETWORKS))
def test_the_examples_of_networks_run(block: str) -> None:
    run(block)
