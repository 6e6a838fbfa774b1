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
        classes: tuple[str, str] = ("cat", "dog"),
    ) -> Path:
        run = tmp_path / name
        run.mkdir()
        _write_config(run, recipe or {"name": "digits", "search": {"method": method}})
        _write_json(run / "architecture.json", architecture or random_cells(3, 0))
        search = {
            "method": method,
            "seconds": 1243.5,
            "steps": 40 * (method != "random"),
            "seed": 0,
        }
        if method == "pdas":
            _write_history(run)
            search |= {"decided": 0.9123, "convergence": 0.6123}
        _write_json(run / "search.json", search)
        for seed, error in enumerate(errors):
            (run / f"retrain-{seed}").mkdir()
            result = {
                "test_error": error,
                "params": 3_204_112,
                "seed": seed,
                "classes": list(classes),
                "by_class": {
                    name: {"images": 3, "recall": 100 / 3, "predicted": dict.fromkeys(classes, 1)}
                    for name in classes
                },
                "network": {"channels": 36},
            }
            _write_json(run / f"retrain-{seed}" / "result.json", result)
        return run

    return make


@pytest.fixture
def add_retraining() -> Callable[..., Path]:
    """Adds a finished retraining to a run; `recipe` is that of its own `config.yaml`."""

    def add(
        run: Path, seed: int, result: dict[str, Any], recipe: dict[str, Any] | None = None
    ) -> Path:
        retraining = run / f"retrain-{seed}"
        retraining.mkdir()
        _write_json(retraining / "result.json", result)
        if recipe is not None:
            _write_config(retraining, recipe)
        return retraining

    return add


@pytest.fixture
def restored() -> Callable[..., dict[str, Any]]:
    """The `result.json` of a retraining of inpainting whose PSNR is given."""

    def make(psnr: float = 26.911, classes: tuple[str, ...] = ("cat", "dog")) -> dict[str, Any]:
        return {
            **_quality(psnr, 0.812),
            "images": 124,
            "by_class": {name: _quality(psnr + i, 0.7) for i, name in enumerate(classes)},
            "baselines": {"masked": _quality(6.444, 0.109), "biharmonic": _quality(29.906, 0.819)},
            "params": 81536,
            "chain": "(3x3, 64, from 0)",
            "mask": "pixel",
        }

    return make


@pytest.fixture
def write_samples() -> Callable[..., dict[str, Any]]:
    """Writes a `restored.npz` of random pixels and returns its arrays.

    Keywords replace them; None leaves one out.
    """

    def write(
        retraining: Path, shape: tuple[int, ...] = (3, 2, 3, 12, 16), **others: Any
    ) -> dict[str, Any]:
        rng = np.random.default_rng(0)
        arrays: dict[str, Any] = {
            name: rng.integers(0, 256, shape, dtype=np.uint8)
            for name in ("masked", "restored", "composited", "clean")
        }
        arrays["psnr"] = np.round(rng.uniform(10, 40, shape[:2]), 2)
        arrays["psnr_composited"] = arrays["psnr"] + 3
        arrays["ssim"] = rng.uniform(0, 1, shape[:2])
        arrays |= others
        arrays = {name: array for name, array in arrays.items() if array is not None}
        np.savez_compressed(retraining / "restored.npz", **arrays)
        return arrays

    return write


@pytest.fixture(scope="session")
def random_chain() -> Callable[..., dict[str, Any]]:
    """A uniformly drawn auto-encoder; `straight` ones use all their layers."""

    def draw(layers: int, seed: int, straight: bool = False) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        chain: dict[str, Any] = {}
        for i in range(1, layers + 1):
            kernel, use = rng.choice([1, 3, 5]), rng.choice(["skip", "down"])
            chain[f"layer{i}/type"] = f"{kernel}x{kernel}_{use}"
            chain[f"layer{i}/channels"] = int(rng.choice([64, 128, 256]))
            if i > 1:
                first = i - 1 if straight else max(0, i - 5)
                chain[f"layer{i}/from"] = int(rng.integers(first, i))
        chain["output/from"] = (
            layers if straight else int(rng.integers(max(0, layers - 4), layers + 1))
        )
        return chain

    return draw


def _quality(psnr: float, ssim: float) -> dict[str, float]:
    of_psnr = {"psnr": psnr, "psnr_composited": psnr + 3, "psnr_hidden": psnr - 1}
    means = {**of_psnr, "ssim": ssim, "ssim_composited": ssim + 0.1}
    deviations = {f"{name}_std": 2.5 if name in of_psnr else 0.125 for name in means}
    return means | deviations


def _write_config(run: Path, recipe: dict[str, Any]) -> None:
    config = {"recipe": recipe, "seed": 7, "environment": {"torch": "2.9.8", "gpu": None}}
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_history(run: Path) -> None:
    """Four epochs of ten steps; three variables of 2, 4 and 1 categories."""
    steps = np.arange(0, 50, 10)
    first = np.linspace(0.5, 0.9, 5)
    second = np.linspace(0.25, 0.97, 5)
    rest = (1 - second) / 3
    theta = np.stack([1 - first, first, rest, rest, second, rest, np.ones(5)], axis=1)
    names = np.array(["a", "b", "c"])
    np.savez(run / "theta.npz", steps=steps, theta=theta, names=names, sizes=np.array([2, 4, 1]))
    with (run / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "epoch", "loss", "theta_loss", "decided", "convergence", "eta"])
        for epoch in range(1, 5):
            writer.writerow([10 * epoch, epoch, 2 / epoch, 3 / epoch, 0.9, 0.5, 0.1 / epoch])
