"""`kill -9` at random moments: a run that is resumed ends bit for bit as one never stopped."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.faults.tiny import RECIPES, contents, finish, kill, started


def kill_within(recipe: str, out: Path, stage: int, seconds: float) -> bool:
    """Kill a run `seconds` after its search (0) or its retraining (1) began.

    False if it ended before.
    """
    process = started(recipe, out)
    assert process.stdout is not None
    searched = (out / "architecture.json").exists()
    for _ in range(1 if searched else stage + 1):
        if not process.stdout.readline().startswith("begun at "):
            finish(process)
            return False
    time.sleep(seconds)
    assert "Traceback" not in kill(process)
    return process.returncode == -9


def check_kills(recipe: str, folder: Path, kills: int, per_run: int) -> None:
    """Kill the search and the retraining `kills` times each, and compare what they come to."""
    finish(started(recipe, folder / "whole"))
    expected = contents(folder / "whole")
    seconds = 1.2 * float(_seconds(folder / "whole"))
    draws = random.Random()
    done, runs = [0, 0], 0
    while min(done) < kills:
        out = folder / f"run{runs}"
        runs += 1
        for stage in (0, 1):
            for _ in range(per_run):
                if not (out / ("architecture.json", "retrain-0/result.json")[stage]).exists():
                    done[stage] += kill_within(recipe, out, stage, draws.uniform(0, seconds))
        finish(started(recipe, out))
        assert contents(out) == expected


def _seconds(run: Path) -> str:
    """What the search took."""
    return (run / "metrics.csv").read_text().splitlines()[-1].split(",")[-1]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_killed_run_goes_on_as_if_it_had_not_been(recipe: str, tmp_path: Path) -> None:
    check_kills(recipe, tmp_path, kills=1, per_run=1)


@pytest.mark.long
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_killed_at_twenty_moments_of_each_stage(recipe: str, tmp_path: Path) -> None:
    check_kills(recipe, tmp_path, kills=20, per_run=3)
