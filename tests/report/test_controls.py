"""The report says whether what was found is better than random, or that this is not known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdas.report.describe import summarise
from pdas.report.page import write_report
from pdas.report.reader import read_summary

Add = Callable[..., Path]
RECIPE = {"name": "digits", "search": {"method": "pdas"}, "retrain": {"epochs": 3}}


@pytest.fixture
def run(make_run: Callable[..., Path], add_retraining: Add) -> Path:
    """A run with a retraining and three controls."""
    run = make_run(errors=(), recipe=RECIPE)
    add_retraining(run, 0, {"test_error": 3.0}, RECIPE)
    for number, error in enumerate((5.0, 5.1, 4.9), start=1):
        (run / f"control-{number}").mkdir()
        (run / f"control-{number}" / "config.yaml").touch()
        recipe = RECIPE | {"search": {"method": "random"}}
        add_retraining(run / f"control-{number}", number, {"test_error": error}, recipe)
    return run


def answer(run: Path) -> str | None:
    return dict(summarise(read_summary(run, lenient=True))).get("better than random")


def test_the_answer_and_what_was_compared_are_shown(run: Path) -> None:
    assert str(answer(run)).startswith("yes: 3.00 % against 5.00 ± 0.10 % of 3 random")
    page = write_report(run).read_text()
    assert "<h2>Random architectures</h2>" in page
    for name, error in (("retrain-0", "3.00"), ("control-2", "5.10")):
        assert f'<th scope="row">{name}</th><td>{error}</td>' in page


def test_without_a_control_it_is_said_to_be_unanswered(make_run: Callable[..., Path]) -> None:
    run = make_run()
    assert answer(run) == "not known: no control was run; add --control 5 --resume to `pdas run`"
    assert "Random architectures" not in write_report(run).read_text()


def test_controls_of_other_settings_are_no_answer(run: Path) -> None:
    config = run / "retrain-0" / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 3", "epochs: 9"))
    assert answer(run) == "not known: the controls had other settings than what is retrained"


@pytest.mark.parametrize("parts", [{"errors": ()}, {"method": "random"}])
def test_where_nothing_was_searched_or_retrained_there_is_no_question(
    make_run: Callable[..., Path], parts: dict[str, object]
) -> None:
    assert answer(make_run(**parts)) is None
