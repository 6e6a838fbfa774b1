"""What the report shows of a classifier: of few classes all, of many the worst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pdas.support.errors import RunError
from pdas.tasks.classification.mistakes import SHOWN, draw_mistakes, read_mistakes
from pdas.tasks.classification.sections import sections


def figures(images: int, recall: float | None, **predicted: int) -> dict[str, Any]:
    return {"images": images, "recall": recall, "predicted": predicted}


def result(**classes: dict[str, Any]) -> dict[str, Any]:
    return {"test_error": 1.0, "classes": list(classes), "by_class": classes}


PETS = result(
    cat=figures(4, 75.0, cat=3, dog=1), dog=figures(2, 100.0, dog=2), eel=figures(0, None)
)


def test_each_class_has_a_row_of_recall_and_of_the_matrix(tmp_path: Path) -> None:
    (section,) = sections(tmp_path / "retrain-3", PETS)
    recall, matrix = section.tables
    assert section.title == "Test images of retrain-3"
    assert recall.rows == [
        ("cat", "75.0", "4"),
        ("dog", "100.0", "2"),
        ("eel", "no test images", "0"),
    ]
    assert list(matrix.headings) == ["true class", "cat", "dog", "eel"]
    assert matrix.rows == [
        ("cat", "3", "1", "0"),
        ("dog", "0", "2", "0"),
        ("eel", "0", "0", "0"),
    ]


def test_a_name_that_is_too_long_is_cut(tmp_path: Path) -> None:
    long = result(**{200 * "x": figures(1, 0.0, cat=1), "cat": figures(1, 100.0, cat=1)})
    (section,) = sections(tmp_path, long)
    recall, matrix = section.tables
    assert recall.rows[0][0] == matrix.rows[0][0] == matrix.headings[1] == 31 * "x" + "…"


def test_of_many_classes_the_worst_are_shown(tmp_path: Path) -> None:
    many = {
        f"c{i}": figures(1000, i / 10, **{f"c{i}": i, f"c{(i + 1) % 1000}": 1000 - i})
        for i in range(999)
    }
    (section,) = sections(tmp_path, result(**many, c999=figures(0, None)))
    recall, confusions = section.tables
    assert [row[0] for row in recall.rows] == [f"c{i}" for i in range(20)]
    assert recall.title == "The 20 classes of the lowest recall, of 1,000"
    assert confusions.rows[:2] == [("c0", "c1", "1000 of 1000"), ("c1", "c2", "999 of 1000")]
    assert len(confusions.rows) == 20


@pytest.mark.parametrize(
    "by_class",
    [
        [1],
        {},
        {"cat": 3},
        {"cat": {"images": 3, "recall": 1.0}},
        {"cat": {"images": -1, "recall": 1.0, "predicted": {}}},
        {"cat": {"images": 1, "recall": "high", "predicted": {}}},
        {"cat": {"images": 1, "recall": 1.0, "predicted": {"cat": "all"}}},
    ],
)
def test_figures_that_make_no_sense_are_refused(tmp_path: Path, by_class: Any) -> None:
    with pytest.raises((ValueError, LookupError)):
        sections(tmp_path, PETS | {"by_class": by_class})


def test_a_result_without_figures_by_class_has_no_section(tmp_path: Path) -> None:
    assert sections(tmp_path, {"test_error": 3.0, "classes": ["cat"]}) == []
    assert sections(tmp_path, {"psnr": 3.0, "by_class": {"cat": {"psnr": 3.0}}}) == []


def write_mistakes(folder: Path, n: int = 5, channels: int = 3, **others: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "images": rng.integers(0, 256, (n, channels, 6, 8), dtype=np.uint8),
        "true": np.zeros(n, int),
        "predicted": np.ones(n, int),
        "probability": np.linspace(0.9, 0.5, n, dtype=np.float32),
    } | others
    np.savez(folder / "mistakes.npz", **arrays)
    return arrays


def test_mistakes_are_named_in_a_table_and_numbered_in_the_picture(tmp_path: Path) -> None:
    write_mistakes(tmp_path)
    section = sections(tmp_path, PETS)[1]
    (table,), (picture,) = section.tables, section.pictures
    assert table.rows[0] == ("1", "cat", "dog", "90.0")
    assert [row[0] for row in table.rows] == ["1", "2", "3", "4", "5"]
    assert picture.file == tmp_path / "mistakes.png"
    assert "file" not in table.headings


def test_mistakes_name_their_files(tmp_path: Path) -> None:
    write_mistakes(tmp_path, names=np.array([f"cat/<{i}>.png" for i in range(5)]))
    (table,) = sections(tmp_path, PETS)[1].tables
    assert table.headings[-1] == "file"
    assert table.rows[1][-1] == "cat/<1>.png"


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (SHOWN, 3)])
def test_every_mistake_is_in_the_picture(tmp_path: Path, n: int, channels: int) -> None:
    arrays = write_mistakes(tmp_path, n, channels)
    with Image.open(draw_mistakes(read_mistakes(tmp_path, 2), tmp_path)) as file:
        sheet = np.asarray(file.convert("RGB"))
    places = []
    for image in arrays["images"]:
        large = np.broadcast_to(image, (3, 6, 8)).transpose(1, 2, 0).repeat(24, 0).repeat(24, 1)
        first = large[0].tobytes()
        found = [(y, row.tobytes().find(first) // 3) for y, row in enumerate(sheet)]
        y, x = next(place for place in found if place[1] >= 0)
        assert (sheet[y : y + 144, x : x + 192] == large).all()
        places.append((y, x))
    assert places == sorted(places)


@pytest.mark.parametrize(
    "others",
    [
        {"images": np.zeros((5, 2, 6, 8), np.uint8)},
        {"images": np.zeros((5, 3, 6, 8), float)},
        {"images": np.zeros((0, 3, 6, 8), np.uint8)},
        {"images": np.zeros((500, 3, 1, 1), np.uint8)},
        {"true": np.full(5, 3)},
        {"true": np.full(5, -1)},
        {"predicted": np.ones(4, int)},
        {"predicted": np.array([{}])},
        {"probability": np.array("high")},
        {"names": np.array(["a"])},
        {"names": np.arange(5)},
    ],
)
def test_mistakes_that_make_no_sense_are_damaged(tmp_path: Path, others: dict[str, Any]) -> None:
    write_mistakes(tmp_path, **others)
    with pytest.raises(RunError, match=r"mistakes\.npz: damaged \("):
        sections(tmp_path, PETS)
