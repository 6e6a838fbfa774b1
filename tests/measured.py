"""What a run has measured, as tests compare it."""

from __future__ import annotations

from pdas.runs.run import Run


def measures(run: Run) -> list[list[str]]:
    """The rows of the measures of a search, without its times."""
    lines = [line.split(",") for line in (run.path / "metrics.csv").read_text().splitlines()]
    kept = [i for i, name in enumerate(lines[0]) if "second" not in name and "time" not in name]
    return [[line[i] for i in kept] for line in lines]
