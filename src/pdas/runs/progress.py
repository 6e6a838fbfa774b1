"""`progress.json` of a stage that runs: how far it is, and how long it still takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pdas.runs.reading import parse_json
from pdas.support.metrics import is_number

FILE = "progress.json"
STEPS, FINALISTS = "steps", "finalists"


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is. The file is there while the stage runs, and after a kill.

    Attributes:
        part: what is counted, "steps" or, at the end of a search, "finalists".
        done, total: how many.
        seconds_left: a forecast; None where there is none.
        measures: of the last step, by name.

    Example:
        StageProgress("steps", 120, 880, 65.0, {"loss": 0.31}).to_json()
    """

    part: str
    done: int
    total: int
    seconds_left: float | None
    measures: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The content of the file; a measure that is not finite is left out."""
        finite = {name: value for name, value in self.measures.items() if math.isfinite(value)}
        return asdict(self) | {"measures": finite}


def parse_progress(path: Path) -> StageProgress:
    """The content of a file; for `Run.read`, which makes errors one line.

    Args:
        path: of the file.

    Raises:
        ValueError: it holds something else.
    """
    content = parse_json(path)
    part, done, total = content.get("part"), content.get("done"), content.get("total")
    left, measures = content.get("seconds_left"), content.get("measures")
    if (
        part not in (STEPS, FINALISTS)
        or not (isinstance(done, int) and isinstance(total, int) and 0 <= done <= total)
        or not (left is None or (is_number(left) and left >= 0))
        or not (isinstance(measures, Mapping) and all(map(is_number, measures.values())))
    ):
        raise ValueError("it holds no progress")
    return StageProgress(part, done, total, left, measures)
