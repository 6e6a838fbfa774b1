"""A check in words, and in the page of its run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdas.report.page import write_report
from pdas.report.parts.check import check_rows, class_rows

IMAGES = {
    "images": {"train": 1012, "test": 188},
    "classes": {"cat": {"train": 900, "test": 181}, "dog": {"train": 112, "test": 7}},
    "shape": [3, 32, 32],
    "stored": {"smallest": [20, 12], "largest": [3000, 2000]},
    "notes": [],
    "constant": 0,
    "nearly_constant": 0,
    "constant_images": [],
    "few": [],
    "duplicates": 0,
    "duplicate_pairs": [],
}
SEARCH = {
    "method": "pdas",
    "weights": 178050,
    "steps": 1200,
    "warmup": 0,
    "finalists": 0,
    "seconds": 754.3,
}
RETRAINING = {
    "weights": 2991804,
    "weight_limit": 3000000,
    "changed": {"channels": [4, 47]},
    "steps": 12000,
    "seconds": None,
}
CHECK = {"images": IMAGES, "search": SEARCH, "retraining": RETRAINING}


def test_a_check_without_trouble() -> None:
    assert check_rows(CHECK) == [
        (
            "images",
            "1,012 for training and 188 for the test, 2 classes of 119 to 1,081, seen as 32x32 in "
            "colour, files of 20x12 to 3000x2000",
        ),
        ("search", "about 12 min 34 s, 178.1 k weights in the supernet, 1,200 steps"),
        (
            "retraining",
            "time not measured, 2.99 M weights, 12,000 steps, for an architecture drawn at random",
        ),
        (
            "retrained with",
            "channels 47 (search: 4), so that retrain.weight_limit=3000000 is met",
        ),
    ]
    assert class_rows(CHECK) == [("cat", "900", "181"), ("dog", "112", "7")]


@pytest.mark.parametrize(
    ("weights", "met"),
    [
        (None, "retrain.limit={cost: multiply_adds, maximum: 600000000} is met"),
        (
            3000000,
            "retrain.weight_limit=3000000 and retrain.limit={cost: multiply_adds, maximum: "
            "600000000} are met",
        ),
    ],
)
def test_the_limits_that_a_width_keeps(weights: int | None, met: str) -> None:
    limit = {"cost": "multiply_adds", "maximum": 600000000.0}
    retraining = {**RETRAINING, "weight_limit": weights, "limit": limit}
    rows = dict(check_rows({**CHECK, "retraining": retraining}))
    assert rows["retrained with"] == f"channels 47 (search: 4), so that {met}"


TROUBLE: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"notes": ["2 files are \x1b.heic"]}, ("note", r"2 files are \x1b.heic")),
    (
        {"constant": 3, "nearly_constant": 2, "constant_images": ["a", "b", "c", "d", "e"]},
        ("constant", "3 images, and 2 nearly: a, b, c and 2 more"),
    ),
    (
        {"few": ["dog"]},
        ("small classes", "dog with fewer than 10 test images, too few to judge them"),
    ),
    (
        {"duplicates": 1, "duplicate_pairs": [["a", "b"]]},
        ("duplicates", "1 test images are nearly the same as a training image: a like b"),
    ),
]


@pytest.mark.parametrize(("found", "row"), TROUBLE)
def test_what_may_spoil_an_experiment(found: dict[str, Any], row: tuple[str, str]) -> None:
    assert check_rows({**CHECK, "images": {**IMAGES, **found}})[1] == row


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ({"steps": 0, "method": "random"}, "none, with the method random"),
        (
            {"warmup": 480, "finalists": 18},
            "about 12 min 34 s, 178.1 k weights in the supernet, 1,200 steps, the first 480 as a "
            "warm-up, 18 finalists",
        ),
    ],
)
def test_other_searches(search: dict[str, Any], text: str) -> None:
    assert ("search", text) in check_rows({**CHECK, "search": {**SEARCH, **search}})


def test_the_page_of_a_run_has_its_check(make_run: Callable[..., Path]) -> None:
    run = make_run()
    assert "Before the start" not in write_report(run).read_text()
    (run / "check.json").write_text(json.dumps(CHECK))
    page = write_report(run).read_text()
    assert "Before the start" in page and "channels 47 (search: 4)" in page
    for damaged in ("{}", "[]", '{"images": 3}', json.dumps({**CHECK, "images": {"shape": 1}})):
        (run / "check.json").write_text(damaged)
        assert "check.json: damaged" in write_report(run).read_text()
