"""A made-up directory of a comparison, which nobody has trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pdas import recipes


def make_comparison(
    path: Path,
    values: Mapping[str, Sequence[float]],
    *,
    recipe: str = "digits",
    metric: str = "test_error",
    params: int = 5000,
) -> Path:
    """Rows by name; the values of a row are those of seeds 0, 1, ..."""
    rows = {}
    for name, measured in values.items():
        rows[name] = {"form": "reduced", "passes": 120.0, "seeds": [*range(len(measured) or 2)]}
        rows[name]["failed"] = {} if measured else {"0": "search: <b>broken</b>"}
        for seed, value in enumerate(measured):
            run = path / name.replace(":", "-") / f"seed-{seed}"
            write(run / "config.yaml", {"recipe": {}, "seed": seed})
            write(run / "architecture.json", {"op": "conv"})
            write(run / "search.json", {"method": name, "seconds": 10.0 + seed, "trials": 7})
            write(run / f"retrain-{seed}" / "result.json", {metric: value, "params": params})
    asked = {
        "recipe": recipes.load(recipe).model_dump(mode="json"),
        "budget": "equal",
        "images": {},
        "rows": rows,
    }
    write(path / "comparison.json", asked)
    return path


def write(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
