"""Made-up architectures and run directories."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

OPERATIONS = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")

Architecture = dict[str, str]


@pytest.fixture(scope="session")
def random_cells() -> Callable[..., Architecture]:
    """A uniformly drawn architecture of a normal and a reduction cell."""

    def draw(nodes: int, seed: int, operations: tuple[str, ...] = OPERATIONS) -> Architecture:
        rng = np.random.default_rng(seed)
        architecture = {}
        for cell in ("normal", "reduction"):
            for b in range(1, nodes + 1):
                sources = ["prev_prev", "prev", *(f"node{a}" for a in range(1, b))]
                for slot in (1, 2):
                    architecture[f"{cell}/node{b}/in{slot}"] = str(rng.choice(sources))
                    architecture[f"{cell}/node{b}/op{slot}"] = str(rng.choice(operations))
        return architecture

    return draw


@pytest.fixture
def make_run(tmp_path: Path, random_cells: Callable[..., Architecture]) -> Callable[..., Path]:
    """Writes a run directory; `architecture` replaces the cells, `errors` are of retrainings."""

    def make(
        name: str = "run",
        *,
        method: str = "pdas",
        architecture: dict[str, Any] | None = None,
        errors: tuple[float, ...] = (2.98, 3.18),
        recipe: dict[str, Any] | None = None,
    ) -> Path:
        run = tmp_path / name
        run.mkdir()
        _write_config(run, recipe or {"name": "digits", "search": {"method": method}})
        _write_json(run / "architecture.json", architecture or random_cells(3, 0))
        search = {"method": method, "seconds": 1243.5, "steps": 40, "seed": 0}
        if method == "pdas":
            _write_history(run)
            search["convergence"] = 0.9123
        _write_json(run / "search.json", search)
        for seed, error in enumerate(errors):
            (run / f"retrain-{seed}").mkdir()
            result = {
                "test_error": error,
                "params": 3_204_112,
                "seed": seed,
                "classes": ["cat", "dog"],
                "network": {"channels": 36},
            }
            _write_json(run / f"retrain-{seed}" / "result.json", result)
        return run

    return make


def _write_config(run: Path, recipe: dict[str, Any]) -> None:
    config = {"recipe": recipe, "seed": 7, "environment": {"torch": "2.9.8", "gpu": None}}
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_history(run: Path) -> None:
    """Four epochs of ten steps; three variables of 2, 4 and 1 categories."""
    steps = np.arange(0, 50, 10)
    theta = np.zeros((5, 3, 4))
    first = np.linspace(0.5, 0.9, 5)
    second = np.linspace(0.25, 0.97, 5)
    theta[:, 0, :2] = np.stack([1 - first, first], axis=1)
    theta[:, 1] = np.stack([(1 - second) / 3] * 2 + [second, (1 - second) / 3], axis=1)
    theta[:, 2, 0] = 1
    names = np.array(["a", "b", "c"])
    np.savez(run / "theta.npz", steps=steps, theta=theta, names=names, sizes=np.array([2, 4, 1]))
    with (run / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "epoch", "loss", "theta_loss", "convergence", "eta"])
        for epoch in range(1, 5):
            writer.writerow([10 * epoch, epoch, 2 / epoch, 3 / epoch, 0.5, 0.1 / epoch])
