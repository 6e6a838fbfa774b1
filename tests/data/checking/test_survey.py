"""What is said of images before anything is trained, against images made for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.data.checking import survey as survey_module
from pdas.data.checking.survey import Survey, survey
from pdas.data.images import ImageData, MemoryImages
from pdas.data.load import load_images
from pdas.data.settings import ImageSettings, LabelledDataSettings, RestorationDataSettings

MakeFolder = Callable[..., Path]


def looked_at(
    root: Path, kind: type[ImageSettings] = LabelledDataSettings, **how: object
) -> Survey:
    data = load_images(kind(name="folder", workers=0, **how), root)
    return survey(data, labelled=kind is LabelledDataSettings)


@pytest.fixture
def pets(make_folder: MakeFolder) -> Path:
    """Twelve test images of cats and three of dogs, of 20x12."""
    make_folder("pets/train", {"cat": 20, "dog": 15})
    return make_folder("pets/test", {"cat": 12, "dog": 3}).parent


@pytest.mark.parametrize("memory_limit", [4.0, 1e-9])  # in memory, and on disk
def test_what_there_is(pets: Path, memory_limit: float) -> None:
    (pets / "test" / "cat" / "a.heic").write_text("not read")
    Image.new("RGB", (7, 5)).resize((300, 200)).save(pets / "train" / "dog" / "large.png")
    found = looked_at(pets, memory_limit=memory_limit)
    assert found.images == {"train": 36, "test": 15}
    assert found.classes == {"cat": {"train": 20, "test": 12}, "dog": {"train": 16, "test": 3}}
    assert found.shape == (3, 32, 32)
    assert found.stored == {"smallest": (20, 12), "largest": (300, 200)}
    assert found.notes == ("other files: 1, passed over (1 .heic)",)
    assert found.few == ("dog",)


def test_ten_test_images_are_enough(make_folder: MakeFolder) -> None:
    make_folder("pets/train", {"cat": 2, "dog": 2})
    assert looked_at(make_folder("pets/test", {"cat": 10, "dog": 9}).parent).few == ("dog",)


def test_constant_and_nearly_constant_images_are_named(pets: Path) -> None:
    flat = [pets / "test" / "cat" / "000.png", pets / "train" / "dog" / "003.png"]
    Image.new("RGB", (20, 12), (90, 0, 200)).save(flat[0])  # the channels differ, not the pixels
    ramp = np.tile(np.linspace(100, 107, 20).astype(np.uint8), (12, 1))
    Image.fromarray(ramp).save(flat[1])
    dot = np.zeros((12, 20), np.uint8)
    dot[4:8, 8:12] = 255  # dark, but for a spot
    Image.fromarray(dot).save(pets / "train" / "cat" / "001.png")
    found = looked_at(pets)
    assert (found.constant, found.nearly_constant) == (1, 1)
    assert set(found.constant_images) == {"cat/000.png", "dog/003.png"}


def test_duplicates_across_the_parts_are_named(pets: Path) -> None:
    original, copy = pets / "train" / "cat" / "004.png", pets / "test" / "dog" / "001.png"
    copy.write_bytes(original.read_bytes())
    within = pets / "train" / "dog" / "005.png"  # in one part it does no harm
    within.write_bytes(original.read_bytes())
    found = looked_at(pets)
    assert found.duplicates == 1
    ((test, train),) = found.duplicate_pairs
    assert test == "dog/001.png" and train in ("cat/004.png", "dog/005.png")


def test_images_to_be_restored_have_no_classes(pets: Path) -> None:
    found = looked_at(pets, RestorationDataSettings, image_size=8)
    assert found.classes is None and found.few == ()
    assert found.images == {"train": 35, "test": 15}


def test_images_without_files_are_numbered() -> None:
    data = load_images(LabelledDataSettings(name="digits"))
    leaked = ImageData(data.train, data.train.subset(torch.tensor([7, 3])), data.classes)
    found = survey(leaked, labelled=True)
    assert found.stored is None and found.duplicates == 2
    assert found.duplicate_pairs == (
        ("test image 0", "train image 7"),
        ("test image 1", "train image 3"),
    )


def test_of_very_many_images_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module, "MOST", 20)
    pixels = torch.randint(0, 256, (205, 3, 8, 8), dtype=torch.uint8)
    pixels[40], pixels[41] = 7, 8  # the first is looked at
    train = MemoryImages(pixels, torch.arange(205) % 2)
    test = MemoryImages(pixels[100:150].flip(3), torch.arange(50) % 2)
    found = survey(ImageData(train, test, ("even", "odd")), labelled=True)
    assert found.images == {"train": 205, "test": 50}
    assert found.notes == ("looked at 21 of the 205 train images",)
    assert found.constant == 1 and found.constant_images == ("train image 40",)
