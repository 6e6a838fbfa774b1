"""What to do next follows from what was measured; each rule in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdas.report.advice import next_step
from pdas.report.reader import read_summary

Add = Callable[..., Path]
RECIPE = {"name": "digits", "search": {"method": "pdas"}}
GOOD = {
    "test_error": 10.0,
    "test_error_interval": [8.0, 12.0],
    "images": 800,
    "baselines": {"commonest class": {"class": "cat", "test_error": 60.0}},
}


@pytest.fixture
def advice(make_run: Callable[..., Path], add_retraining: Add) -> Callable[..., str]:
    """The advice for a run with this result and these test errors of controls."""

    def advise(result: dict[str, Any], *errors: float) -> str:
        run = make_run(errors=(), recipe=RECIPE)
        add_retraining(run, 0, result, RECIPE)
        for number, error in enumerate(errors, start=1):
            (run / f"control-{number}").mkdir()
            (run / f"control-{number}" / "config.yaml").touch()
            add_retraining(run / f"control-{number}", number, {"test_error": error}, RECIPE)
        return next_step(read_summary(run)).replace(str(run), "RUN")

    return advise


def test_what_is_unfinished_is_finished_first(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=())
    assert next_step(read_summary(run)) == f"retrain what was found: `pdas retrain {run}`"
    (run / "architecture.json").unlink()
    assert next_step(read_summary(run)) == "finish the search: add --resume to the command"


USE = "use it: `pdas export RUN`, or `pdas.load('RUN')` in Python"
FIVE = (20.0, 21.0, 22.0, 20.5, 21.5)


@pytest.mark.parametrize(
    ("changes", "errors", "expected"),
    [
        ({}, (), USE),
        ({}, FIVE, USE),
        (
            {"test_error": 60.0, "test_error_interval": [20.0, 90.0]},
            FIVE,
            "check the data, and retrain longer: test error is not better than 60.00 % of the "
            "baseline commonest class",
        ),
        (
            {"test_error_interval": [5.0, 25.0], "images": 50},
            (1.0,),
            "test on more images, about 200, of which it would be 10 points",
        ),
        (
            {},
            (12.0,),
            "run more controls than 1: add --control 5 --resume to `pdas run`",
        ),
        (
            {},
            (12.0, 9.0, 10.0),
            "run more controls than 3: add --control 5 --resume to `pdas run`",
        ),
        (
            {},
            (11.0, 9.0, 10.0, 10.5, 9.5),
            "search longer, or take the best random architecture: the found one is not shown to be "
            "better",
        ),
    ],
)
def test_the_first_rule_that_applies_is_the_advice(
    advice: Callable[..., str], changes: dict[str, Any], errors: tuple[float, ...], expected: str
) -> None:
    assert advice(GOOD | changes, *errors) == expected


def test_an_undecided_search_goes_on(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=(3.0,))
    file = run / "search.json"
    assert '"decided": 0.' in file.read_text()
    text = file.read_text()
    start = text.index('"decided": ') + len('"decided": ')
    end = min(i for i in (text.find(",", start), text.find("}", start)) if i > 0)
    file.write_text(text[:start] + "0.25" + text[end:])
    assert next_step(read_summary(run)) == "search longer"


def test_a_higher_metric_beats_a_lower_baseline(
    make_run: Callable[..., Path], add_retraining: Add, restored: Callable[..., Any]
) -> None:
    recipe = {"name": "x", "task": "inpainting", "search": {"method": "pdas"}}
    for psnr, expected in ((26.9, "baseline biharmonic"), (31.0, "use it")):
        run = make_run(f"run{psnr}", errors=(), recipe=recipe)
        add_retraining(run, 0, restored(psnr), recipe)
        assert expected in next_step(read_summary(run))
