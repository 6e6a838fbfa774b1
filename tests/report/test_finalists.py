"""The table of finalists in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdas.report.page import write_report
from tests.report.test_page import Page


def finalist(shared: float, loss: float | None, steps: int, **labels: Any) -> dict[str, Any]:
    return {"architecture": labels, "shared_loss": shared, "loss": loss, "steps": steps}


def test_the_finalists_are_a_table(make_run: Callable[..., Path]) -> None:
    run = make_run()
    finalists = [
        finalist(0.5, 0.1234, 80, a="x", b=1),
        finalist(0.5, None, 80, a="x", b=2),
        finalist(0.25, None, 0, a="y", b=1),
    ]
    (run / "finalists.json").write_text(json.dumps({"finalists": finalists}))
    page = Page(write_report(run))
    assert "Finalists" in page.texts
    assert page.has_row("1", "0.1234", "80", "0.5000", "0 of 2")
    assert page.has_row("2", "diverged", "80", "0.5000", "1 of 2")
    assert page.has_row("3", "", "0", "0.2500", "1 of 2")


def test_a_run_without_finalists_has_no_table(make_run: Callable[..., Path]) -> None:
    assert "Finalists" not in Page(write_report(make_run())).texts


@pytest.mark.parametrize("content", ["{", "{}", '{"finalists": [1]}', '{"finalists": [{}]}'])
def test_a_damaged_file_is_named(make_run: Callable[..., Path], content: str) -> None:
    run = make_run()
    (run / "finalists.json").write_text(content)
    assert "finalists.json: damaged" in write_report(run).read_text()
