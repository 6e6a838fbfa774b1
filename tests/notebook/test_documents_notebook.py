"""The notebook of the documents runs as it stands, and its values show themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

PAGE = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
DRAWN = ("net", "result", "Run.open(out)")  # last lines of cells, with an `svg` below
TABLES = (*DRAWN, "result.architecture", "net.space")


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(PAGE, as_version=4)


def test_it_is_stored_without_outputs(stored: Any) -> None:
    for cell in stored.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    nbformat.validate(stored)


def test_it_runs_and_shows(stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PAGE.parents[1] / "src"))
    done = NotebookClient(stored, timeout=300, kernel_name="python3").execute()
    shown = {cell.source.splitlines()[-1]: cell for cell in done.cells if cell.cell_type == "code"}
    for last_line in TABLES:
        html = html_of(shown[last_line])
        assert "<table" in html and "cannot be shown" not in html, last_line
        assert ("<svg" in html) is (last_line in DRAWN)
    for cell in shown.values():
        assert all(output.output_type != "error" for output in cell.outputs)
        assert all(output.get("name") != "stderr" for output in cell.outputs), cell.outputs
    (said,) = (cell.outputs[0].text for line, cell in shown.items() if "test error" in line)
    assert float(said.split("%")[0].split()[-1]) < 15  # of ten classes


def html_of(cell: Any) -> str:
    """What the last line of a cell shows."""
    (html,) = (output.data["text/html"] for output in cell.outputs if "data" in output)
    return str(html)
