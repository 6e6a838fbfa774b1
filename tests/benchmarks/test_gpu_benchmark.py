"""`benchmarks/gpu.py` runs, on the CPU with tiny networks."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
MODULES = ("gpu", "gpu_measures", "gpu_networks", "gpu_sharing", "retraining_step", "roofline")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))  # where a program finds its own
    yield importlib.import_module("gpu")
    for name in MODULES:
        sys.modules.pop(name, None)


def rows_of(gpu: Any, out: Path, *words: str) -> dict[str, Any]:
    gpu.main(["--device", "cpu", "--quick", "--out", str(out), *words])
    content: dict[str, Any] = json.loads(out.read_text())
    return content


def test_without_cuda_a_line_says_so(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main(["--out", str(tmp_path / "gpu.json")])
    assert capsys.readouterr().out.startswith("no CUDA here, nothing was measured")
    assert not list(tmp_path.iterdir())


def test_every_row_is_measured_and_printed(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu, "precisions", lambda device: ["ieee"])
    found = rows_of(gpu, tmp_path / "gpu.json", "--parts", "depthwise", "steps")
    assert found["left_out"] == {} and found["torch"] == torch.__version__
    parts = [row["part"] for row in found["rows"]]
    assert parts == ["depthwise"] * 4 + ["steps"] * 6
    networks = {row["network"] for row in found["rows"][4:]}
    assert networks == {
        f"{stage}, {family}"
        for stage in ("search", "retraining")
        for family in ("cells", "auto-encoders")
    }
    for row in found["rows"]:
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert len(numbers) >= 4 and all(value > 0 for value in numbers), row
    printed = capsys.readouterr().out
    assert printed.count("\n| ") == 10 + 2 * 2  # rows, and the head of two tables
    # A map of 2 x 4 x 8 x 8 numbers of 4 bytes is read, and another one written.
    assert found["rows"][0]["memory us"] == pytest.approx(
        4096 / found["rates"]["copy_GB_per_s"] / 1e3
    )


def test_what_time_is_missing_for_is_named(gpu: Any) -> None:
    budget = gpu.Budget(0.0)
    assert list(budget.rows("steps", {"a": dict, "b": dict}, 1.0)) == []
    assert budget.left_out == dict.fromkeys(("steps: a", "steps: b"), "no time was left")

    def fails() -> dict[str, Any]:
        raise RuntimeError("no such kernel\nat all")

    def hangs() -> dict[str, Any]:
        while True:
            pass

    budget = gpu.Budget(0.5)
    rows = budget.rows("steps", {"a": fails, "b": lambda: {"x": 1}, "c": hangs, "d": dict}, 0.5)
    assert list(rows) == [{"part": "steps", "name": "b", "x": 1}]
    assert budget.left_out == {
        "steps: a": "RuntimeError: no such kernel",
        "steps: c": "no time was left",
        "steps: d": "no time was left",
    }


@pytest.mark.long
def test_several_searches_step_at_a_time(gpu: Any, tmp_path: Path) -> None:
    found = rows_of(gpu, tmp_path / "gpu.json", "--parts", "several", "--minutes", "5")
    assert [row["searches"] for row in found["rows"]] == [1, 2]
    assert all(row["steps/s of all"] >= row["steps/s of each"] > 0 for row in found["rows"])
