"""Loading the result of a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.runs.run import Run
from pdas.support.errors import DataError, RunError, SettingError
from pdas.tasks.loading import load


@pytest.fixture
def copy(finished: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))


def test_a_run_and_its_retraining_are_loaded_alike(finished: Run) -> None:
    images = torch.randint(256, (5, 1, 8, 8), dtype=torch.uint8)
    found = [
        load(path).probabilities(images)
        for path in (finished.path, str(finished.path / "retrain-0"))
    ]
    assert torch.equal(*found)
    torch.testing.assert_close(found[0].sum(1), torch.ones(5))


def test_no_images_have_no_predictions(finished: Run) -> None:
    assert load(finished).predict([]) == load(finished.path).predict([]) == []


def test_many_images_are_classified_in_parts(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load(finished.path)
    images = torch.randint(256, (7, 1, 8, 8), dtype=torch.uint8)
    together = [prediction.label for prediction in classifier.predict(images)]
    monkeypatch.setattr("pdas.tasks.classification.classifier.PART", 3)
    assert [prediction.label for prediction in classifier.predict(images)] == together


def test_images_that_do_not_fit_are_refused(finished: Run) -> None:
    classifier = load(finished.path)
    for shape in ((1, 3, 8, 8), (1, 8, 8)):
        with pytest.raises(DataError, match=r"expected uint8 of shape \(N, 1, H, W\)"):
            classifier.probabilities(torch.zeros(shape, dtype=torch.uint8))
    with pytest.raises(SettingError, match="found 7x7"):
        classifier.probabilities(torch.zeros(1, 1, 7, 7, dtype=torch.uint8))
    with pytest.raises(DataError, match=r"found float32 values from 0 to 2"):
        classifier.predict(torch.arange(3.0).expand(3, 3))


def test_images_in_every_form_have_the_prediction_of_the_file(
    finished: Run, tmp_path: Path
) -> None:
    classifier = load(finished.path)
    array = np.random.default_rng(0).integers(256, size=(30, 20, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    file = str(tmp_path / "a.png")
    expected = classifier.predict([file])
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    for one in (file, Path(file), Image.open(file), array, array / 255, tensor, tensor[None]):
        assert classifier.predict(one) == expected
    mixed = [file, Image.open(file), array, tensor / 255]
    assert [each.label for each in classifier.predict(iter(mixed))] == 4 * [expected[0].label]


def test_images_come_to_the_device_of_the_network(finished: Run) -> None:
    """On "meta" an operation of two devices is an error, as on a GPU."""
    classifier = load(finished.path)
    classifier.network.to("meta")
    found = classifier.probabilities(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    assert found.device.type == "meta" and found.shape == (2, 10)


def test_the_most_probable_classes_are_in_their_order(finished: Run) -> None:
    classifier = load(finished.path)
    images = torch.randint(256, (5, 1, 8, 8), dtype=torch.uint8)
    probabilities = classifier.probabilities(images)
    for k, n in ((1, 1), (3, 3), (99, 10)):
        found = classifier.top(images, k)
        assert [len(each) for each in found] == [n] * 5
        for ranked, row in zip(found, probabilities, strict=True):
            order = row.argsort(descending=True)[:n].tolist()
            assert [each.label for each in ranked] == [classifier.classes[i] for i in order]
            assert [each.probability for each in ranked] == row[order].tolist()
    assert [best for best, *_ in classifier.top(images, 3)] == classifier.predict(images)
    with pytest.raises(SettingError, match="top: found 0, expected at least 1"):
        classifier.top(images, 0)


def test_a_run_without_a_retraining_says_what_to_do(copy: Path) -> None:
    shutil.rmtree(copy / "retrain-0")
    with pytest.raises(RunError, match="no finished retraining; `pdas retrain"):
        load(copy)
    with pytest.raises(RunError, match=r"nowhere has no config\.yaml"):
        load(copy / "nowhere")


def drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda result: result.pop(key)


@pytest.mark.parametrize(
    "damage",
    [
        *map(drop, ("network", "architecture", "classes", "mean", "image_shape")),
        lambda result: result["network"].update(channels=30),
        lambda result: result["network"].update(colour="red"),
        lambda result: result["architecture"].update({"normal/node1/op1": "nothing"}),
        lambda result: result["architecture"].update({"normal/node1/in1": "nothing"}),
        lambda result: result.update(mean=[0.1, 0.2]),
        lambda result: result.update(std=None),
    ],
)
def test_a_damaged_result_is_one_line_that_names_it(
    copy: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    file = copy / "retrain-0" / "result.json"
    result = json.loads(file.read_text())
    damage(result)
    file.write_text(json.dumps(result))
    with pytest.raises(RunError, match=r"result\.json") as error:
        load(copy)
    assert "\n" not in str(error.value)


def test_missing_weights_are_named(copy: Path) -> None:
    (copy / "retrain-0" / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=r"weights\.safetensors: missing"):
        load(copy)
