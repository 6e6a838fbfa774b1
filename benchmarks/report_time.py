"""The time that the report of a long run takes, and the size of its page.

    python benchmarks/report_time.py [--steps 78000] [--epochs 600]

A run directory is made up: the space, the history and the curves of a search on CIFAR-10 of the
paper's length, and a retraining of 300 epochs. The report is written in a process of its own, as
`pdas report` does, and by itself in this one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from pdas import recipes
from pdas.report.page import write_report
from pdas.runs.run import Run
from pdas.space.decided import ThetaHistory
from pdas.tasks.loading import recipe_space


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=78_000)
    parser.add_argument("--epochs", type=int, default=600)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "long"
        make(run, asked.steps, asked.epochs)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pdas.cli", "report", run], check=True, stdout=-3)
        command = time.perf_counter() - start
        start = time.perf_counter()
        page = write_report(run)
        alone = time.perf_counter() - start
        size = page.stat().st_size / 1e6
        print(f"pdas report: {command:.1f} s; the page alone: {alone:.1f} s; {size:.2f} MB")


def make(path: Path, steps: int, epochs: int) -> None:
    """Make up a run of so many steps and epochs."""
    path.mkdir()
    rng, run, recipe = np.random.default_rng(0), Run(path), recipes.load("cifar10")
    space = recipe_space(recipe)
    config = {"recipe": recipe.model_dump(mode="json"), "seed": 0, "environment": {}}
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    at = np.linspace(0, steps, epochs + 1).round()
    sizes = np.asarray(space.sizes)
    logits = rng.normal(size=sizes.sum()) * np.linspace(0, 5, epochs + 1)[:, None]
    parts = np.split(np.exp(logits), np.cumsum(sizes)[:-1], axis=1)
    theta = np.concatenate([part / part.sum(axis=1, keepdims=True) for part in parts], axis=1)
    run.write_theta(space, ThetaHistory(at, theta, sizes, np.ones(len(sizes))))
    columns = ("loss", "accuracy", "theta_loss", "theta_accuracy", "decided", "convergence", "eta")
    run.write_metrics(course(rng, at[1:], columns))
    run.write_architecture(space.architecture([0] * len(space)))
    run.write_json(
        "search.json", {"method": "pdas", "seconds": 1e5, "steps": steps, "decided": 0.9}
    )
    retrained = Run(path / "retrain-0")
    retrained.path.mkdir()
    retrained.write_metrics(course(rng, np.arange(1.0, 301), ("loss", "accuracy")))
    (retrained.path / "result.json").write_text(
        json.dumps({"test_error": 3.0, "params": 3_000_000})
    )


def course(
    rng: np.random.Generator, steps: np.ndarray, names: tuple[str, ...]
) -> list[dict[str, float]]:
    """A row for each epoch."""
    return [
        {"step": step, "epoch": i, **{name: float(rng.random() / i) for name in names}}
        for i, step in enumerate(steps, start=1)
    ]


if __name__ == "__main__":
    main()
