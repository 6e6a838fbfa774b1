"""The figures of a classifier, by their definitions and by scikit-learn."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score
from torch import nn

from pdas.data.batches import Batches
from pdas.data.images import MemoryImages
from pdas.runs.run import Run
from pdas.tasks.classification.evaluate import (
    Predictions,
    commonest_class,
    measures,
    predictions,
    save_mistakes,
)
from pdas.tasks.classification.mistakes import SHOWN, read_mistakes

NAMES = ("ant", "bee", "cat", "dog")


def predicted(labels: list[int], guesses: list[int]) -> Predictions:
    sure = torch.linspace(0.5, 0.9, len(labels))
    return Predictions(torch.tensor(labels), torch.tensor(guesses), sure)


def random_predictions(n: int, classes: int, right: float) -> Predictions:
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=n)
    guesses = np.where(rng.random(n) < right, labels, rng.integers(classes, size=n))
    return predicted(labels.tolist(), guesses.tolist())


def test_the_figures_are_those_of_scikit_learn() -> None:
    found = random_predictions(300, 4, 0.7)
    labels, guesses = found.labels.numpy(), found.predicted.numpy()
    figures = measures(found, NAMES, 0)
    assert figures["test_error"] == pytest.approx(100 * (1 - accuracy_score(labels, guesses)))
    assert figures["balanced_accuracy"] == pytest.approx(
        100 * balanced_accuracy_score(labels, guesses)
    )
    assert figures["images"] == 300


def test_the_top_five_error_is_that_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 25, generator=generator)
    labels = torch.randint(25, (300,), generator=generator)
    logits[torch.arange(300), labels] += 1
    images = (logits - logits.min()) / (logits.max() - logits.min()) * 255
    pixels = images.to(torch.uint8).view(300, 1, 5, 5)
    source = MemoryImages(pixels, labels)
    batches = Batches(source, 64, shuffle=None, transform=lambda x: x.float(), drop_last=False)
    # Equal pixels would be ordered by chance, so each class has a shift of its own.
    shift = torch.arange(25) / 100
    network = Shifted(shift)
    figures = measures(predictions(network, batches), tuple(map(str, range(25))), 0)
    scores = (pixels.flatten(1) + shift).numpy()
    expected = top_k_accuracy_score(labels.numpy(), scores, k=5, labels=range(25))
    assert figures["top5_error"] == pytest.approx(100 * (1 - expected))
    assert 0 < figures["top5_error"] < figures["test_error"]


class Shifted(nn.Module):
    """The pixels as logits, each with a shift of its own."""

    def __init__(self, shift: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) + self.shift


def test_few_classes_have_no_top_five_error() -> None:
    assert "top5_error" not in measures(random_predictions(30, 4, 0.7), NAMES, 0)


def test_the_interval_is_wilsons() -> None:
    """By the formula of Wilson, 1927."""
    n, z = 40, 1.959963984540054
    low, high = measures(predicted(n * [0], 6 * [1] + 34 * [0]), NAMES, 0)["test_error_interval"]
    p = 6 / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (low, high) == pytest.approx((100 * (centre - half), 100 * (centre + half)))


@pytest.mark.parametrize(("guess", "error"), [(0, 0.0), (1, 100.0)])
def test_an_interval_without_a_mistake_or_a_hit_is_not_empty(guess: int, error: float) -> None:
    figures = measures(predicted(5 * [0], 5 * [guess]), NAMES, 0)
    low, high = figures["test_error_interval"]
    assert 0 <= low <= figures["test_error"] == error <= high <= 100
    assert high - low == pytest.approx(100 * 3.8415 / (5 + 3.8415), abs=0.01)


def test_classes_are_told_by_name_and_confusions_are_the_rows_of_the_matrix() -> None:
    found = predicted([0, 0, 0, 0, 1, 1, 3], [0, 0, 3, 1, 1, 1, 2])
    assert measures(found, NAMES, 3)["by_class"] == {
        "ant": {"images": 4, "recall": 50.0, "predicted": {"ant": 2, "bee": 1, "dog": 1}},
        "bee": {"images": 2, "recall": 100.0, "predicted": {"bee": 2}},
        "cat": {"images": 0, "recall": None, "predicted": {}},
        "dog": {"images": 1, "recall": 0.0, "predicted": {"cat": 1}},
    }
    assert measures(found, NAMES, 3)["balanced_accuracy"] == pytest.approx((50 + 100 + 0) / 3)


def test_the_commonest_class_is_that_of_the_training_images() -> None:
    assert commonest_class(torch.tensor([3, 1, 2, 2, 1, 2])) == 2
    found = predicted([0, 0, 0, 2], [0, 0, 0, 0])
    assert measures(found, NAMES, 2)["baselines"] == {
        "commonest class": {"class": "cat", "test_error": 75.0}
    }


def test_a_thousand_classes_make_no_giant_file() -> None:
    names = [f"class {i}" for i in range(1000)]
    figures = measures(random_predictions(5000, 1000, 0.5), names, 0)
    assert len(json.dumps(figures, indent=2)) < 500_000  # a matrix would take 9 MB
    pairs = sum(len(each["predicted"]) for each in figures["by_class"].values())
    assert 1000 < pairs <= 5000


def brightness(images: torch.Tensor) -> torch.Tensor:
    return images.float() / 255


def batches(images: MemoryImages) -> Batches:
    return Batches(images, 4, shuffle=None, transform=brightness, drop_last=False)


class Threshold(nn.Module):
    """Class 1 for bright images, the surer the brighter."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert not self.training
        bright = 8 * (images.mean((1, 2, 3)) - 0.5)
        return torch.stack([-bright, bright], 1)


def shades(*values: int, channels: int = 1) -> torch.Tensor:
    images = torch.zeros(len(values), channels, 2, 3, dtype=torch.uint8)
    images += torch.tensor(values, dtype=torch.uint8)[:, None, None, None]
    return images


def test_all_images_are_classified_in_their_order() -> None:
    images = MemoryImages(shades(0, 255, 100, 200, 0, 130), torch.tensor([0, 1, 1, 1, 1, 0]))
    found = predictions(Threshold().train(), batches(images))
    assert found.labels.tolist() == [0, 1, 1, 1, 1, 0]
    assert found.predicted.tolist() == [0, 1, 0, 1, 0, 1]
    bright = 8 * abs(images.images[:, 0, 0, 0] / 255 - 0.5)
    torch.testing.assert_close(found.probability, torch.sigmoid(2 * bright))
    assert found.error == 50.0


def test_the_most_confident_mistakes_are_kept_as_they_were_read(tmp_path: Path) -> None:
    shade = [5 * i for i in range(20)]  # all dark, so the darkest are the surest
    images = MemoryImages(shades(*shade), torch.tensor(20 * [1]))
    save_mistakes(predictions(Threshold(), batches(images)), images, Run(tmp_path))
    kept = read_mistakes(tmp_path, 2)
    assert kept.images[:, 0, 0, 0].tolist() == shade[:SHOWN]
    assert kept.images.shape == (SHOWN, 1, 2, 3)
    assert kept.table(["no", "yes"]).rows[0] == ("1", "yes", "no", "100.0")
    assert kept.names is None
    assert (np.diff(kept.probability) < 0).all()


def test_mistakes_keep_the_names_of_their_files(tmp_path: Path) -> None:
    labels = torch.tensor([1, 0, 1])
    images = MemoryImages(shades(9, 0, 5), labels, names=["yes/a.png", "no/b.png", "yes/ü.png"])
    save_mistakes(predictions(Threshold(), batches(images)), images, Run(tmp_path))
    kept = read_mistakes(tmp_path, 2)
    assert kept.names is not None and kept.names.tolist() == ["yes/ü.png", "yes/a.png"]


@pytest.mark.parametrize(
    ("label", "channels"), [(0, 3), (1, 2)], ids=["no mistake", "neither grey nor RGB"]
)
def test_without_pictures_of_mistakes_there_is_no_file(
    tmp_path: Path, label: int, channels: int
) -> None:
    images = MemoryImages(shades(0, 9, channels=channels), torch.tensor([label, label]))
    save_mistakes(predictions(Threshold(), batches(images)), images, Run(tmp_path))
    assert not list(tmp_path.iterdir())


def test_figures_are_plain_data() -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or type(value) in (str, int, float)

    assert plain(measures(random_predictions(50, 4, 0.7), NAMES, 0))
