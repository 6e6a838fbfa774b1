"""The model card says what the files of the run say, and nothing of the machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdas.report.card import escaped, write_card
from pdas.runs.run import Run
from pdas.support.errors import RunError


@pytest.fixture
def copy(finished: Run, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(finished.path, tmp_path / "digits-7")))


def parts(text: str) -> tuple[dict[str, Any], str]:
    """The front matter and the Markdown below."""
    _, front, below = text.split("---\n", 2)
    return yaml.safe_load(front), below


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first row begins with a heading."""
    lines = text[text.index(f"| {heading} |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def test_figures_are_those_of_the_result(copy: Run) -> None:
    file = write_card(copy.path) / "README.md"
    assert file == copy.path / "retrain-0" / "export-card" / "README.md"
    front, below = parts(file.read_text())
    result = json.loads((copy.path / "retrain-0" / "result.json").read_text())
    assert front["pipeline_tag"] == "image-classification" and front["library_name"] == "pdas"
    (index,) = front["model-index"]
    metrics = {each["type"]: each["value"] for each in index["results"][0]["metrics"]}
    assert metrics["accuracy"] == pytest.approx(1 - result["test_error"] / 100, abs=1e-4)
    assert metrics["balanced_accuracy"] == pytest.approx(
        result["balanced_accuracy"] / 100, abs=1e-4
    )
    data = table(below, "class")
    assert [name for name, _, _ in data] == result["classes"]
    assert sum(int(n) for _, n, _ in data) == 320
    assert [int(n) for _, _, n in data] == [
        result["by_class"][name]["images"] for name in result["classes"]
    ]
    assert f"{result['test_error']:.2f} %" in below
    assert "| retrain.epochs | 2 |" in below and "| interpolation | bilinear" in below
    assert "classes had fewer than" not in below


def test_nothing_of_the_machine_is_in_it(copy: Run) -> None:
    config = yaml.safe_load((copy.path / "config.yaml").read_text())
    config |= {"data_dir": "/home/somebody/secret"}
    config["environment"]["command"] = "pdas run --data-dir /home/somebody/secret"
    (copy.path / "config.yaml").write_text(yaml.safe_dump(config))
    text = (write_card(copy.path / "retrain-0", copy.path / "card") / "README.md").read_text()
    assert "somebody" not in text and str(copy.path) not in text


def test_names_of_classes_are_shown_as_they_are(copy: Run) -> None:
    retrained = Run(copy.path / "retrain-0")
    result = retrained.read_json("result.json")
    names = ["<script>", "a|b", "c\nd", "*e*", "`f`", "[g](h)", "\x1b[31m", "---", "ü", "猫"]
    result["classes"] = names
    for key in ("by_class", "trained_on"):
        result[key] = dict(zip(names, result[key].values(), strict=True))
    for figures in result["by_class"].values():
        figures["predicted"] = {names[0]: figures["images"]}
    retrained.write_json("result.json", result)
    text = (write_card(copy.path) / "README.md").read_text()
    _, below = parts(text)
    shown = [line for line in below.splitlines() if line.startswith("| ")]
    for name in names:
        assert any(line.startswith(f"| {escaped(name)} |") for line in shown), name
    assert "<script>" not in below.replace("\\<script\\>", "") and "\x1b" not in text


def test_few_test_images_are_said(copy: Run) -> None:
    retrained = Run(copy.path / "retrain-0")
    result = retrained.read_json("result.json")
    result["by_class"]["3"]["images"] = 9
    retrained.write_json("result.json", result)
    text = (write_card(copy.path) / "README.md").read_text()
    assert "1 of its classes had fewer than 10 test images" in text


def test_a_card_is_not_written_over_nor_made_of_nothing(copy: Run) -> None:
    write_card(copy.path)
    with pytest.raises(RunError, match=r"^--out: .*export-card already exists"):
        write_card(copy.path)
    retrained = Run(copy.path / "retrain-0")
    result = retrained.read_json("result.json")
    retrained.write_json("result.json", {**result, "classes": 3})
    with pytest.raises(RunError, match=r"result\.json"):
        write_card(copy.path, copy.path / "other")
    assert not (copy.path / "other").exists()
