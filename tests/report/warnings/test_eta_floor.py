"""eta at its floor, after a warm-up or without, for the optimizer on losses that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pdas
from pdas.report.reader import Summary, read_summary
from pdas.report.warnings.small_eta import eta_at_its_floor
from pdas.runs.run import Run
from pdas.space.decided import ThetaHistory
from pdas.support.settings import Settings

SPACE = pdas.SearchSpace({f"op{i}": list(range(4)) for i in range(24)})
EPOCH = 25


class Recipe(Settings):
    """As much of a recipe as is read."""

    search: dict[str, dict[str, object]]


def searched(path: Path, warmup: int, steps: int, signal: float, eta_scale: float = 1.0) -> Summary:
    """Each first category lowers the loss by `signal`, among noise of deviation 1."""
    optimizer = pdas.PDAS(SPACE, seed=0, eta_scale=eta_scale)
    rng = np.random.default_rng(1)
    rows, theta = [], [optimizer.theta_array]
    for step in range(1, warmup + steps + 1):
        if step > warmup:
            architectures = optimizer.ask()
            gains = [signal * (each.indices == 0).sum() for each in architectures]
            optimizer.tell(architectures, rng.normal(size=2) - gains)
        if step % EPOCH == 0:
            rows.append({"step": step, **optimizer.measures()})
            theta.append(optimizer.theta_array)
    run = Run(path)
    method = {"name": "pdas", "eta": "adaptive", "eta_scale": eta_scale, "alpha": 1.5}
    run.write_config(Recipe(search={"method": method}), seed=0, data_dir=None)
    times = np.array([0.0, *(row["step"] for row in rows)])
    run.write_theta(SPACE, ThetaHistory(times, np.array(theta), SPACE.sizes, optimizer.theta_max))
    run.write_metrics(rows)
    run.write_json("search.json", {"steps": warmup + steps, **optimizer.measures()})
    return read_summary(path)


@pytest.mark.parametrize("warmup", [0, 400])
@pytest.mark.parametrize("eta_scale", [1.0, 0.2])
def test_noise_alone(tmp_path: Path, warmup: int, eta_scale: float) -> None:
    warning = eta_at_its_floor(searched(tmp_path, warmup, 600, 0.0, eta_scale))
    assert warning is not None
    assert warning.finding.startswith(f"from step {warmup + 150:,} of {warmup + 600:,} on it is")


@pytest.mark.parametrize("warmup", [0, 400])
def test_losses_that_say_something(tmp_path: Path, warmup: int) -> None:
    assert eta_at_its_floor(searched(tmp_path, warmup, 600, 0.3)) is None


def test_a_search_too_short_for_noise_to_have_lowered_eta(tmp_path: Path) -> None:
    assert eta_at_its_floor(searched(tmp_path, 0, 25, 0.0)) is None
