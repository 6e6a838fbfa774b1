"""A healthy search has no warning, and a run that is broken or under way has none either."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pdas.report.page import write_report
from pdas.report.reader import read_summary
from pdas.report.warnings.of_run import warnings_of
from tests.report.warnings.conftest import Tiny


def test_a_healthy_search_has_none(tiny: Tiny) -> None:
    summary = tiny(300)
    assert warnings_of(summary) == []
    look = json.loads((summary.run.path / "last_look.json").read_text())
    assert set(look) == {"ties", "without_weights", "halves", "top", "chance"}


@pytest.mark.parametrize(
    "missing", ["search.json", "architecture.json", "metrics.csv", "theta.npz"]
)
def test_a_run_under_way_has_none_of_what_is_missing(
    make_run: Callable[..., Path], missing: str
) -> None:
    run = make_run()
    (run / missing).unlink()
    assert warnings_of(read_summary(run)) == []


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        "[]",
        '{"ties": "many", "halves": 3, "top": 1, "chance": [1], "without_weights": 0.5}',
        '{"top": [{}], "chance": {}, "halves": {"largest": [{}]}, "without_weights": {"a": {}}}',
        '{"top": [{"found": false, "gain": 1, "error": 0}], "chance": {"gain": null}}',
    ],
)
def test_what_makes_no_sense_gives_none(make_run: Callable[..., Path], content: str) -> None:
    run = make_run()
    (run / "last_look.json").write_text(content)
    assert warnings_of(read_summary(run, lenient=True)) == []
    write_report(run)


def test_the_page_has_them_as_a_list(make_run: Callable[..., Path]) -> None:
    run = make_run()
    assert "Warnings</h2>" not in write_report(run).read_text()
    (run / "last_look.json").write_text('{"ties": 0.25}')
    page = write_report(run).read_text()
    assert "Warnings</h2>" in page and "<li><strong>losses tie</strong>: 25% of the losses" in page
