"""Measured latencies of a run: the same on all ranks, and when the run is resumed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import agreed
from pdas.nn.counting.latency import Latencies
from pdas.runs.reading import parse_json
from pdas.runs.run import Run

FILE = "latency.json"


def latencies_of(out: Path, fabric: Fabric, measure: Callable[[], Latencies]) -> Latencies:
    """The latencies of a run.

    Args:
        out: the run directory; if it holds latencies, these are read.
        fabric: the devices; the measurement of rank 0 counts for all.
        measure: measures anew.

    Raises:
        RunError: the file is damaged.
    """
    if os.path.exists(out / FILE):  # a `Path` raises for a name that cannot be
        return Run(out).read(FILE, _parse)
    return agreed(fabric, measure())


def keep_latencies(run: Run, latencies: Latencies) -> None:
    """Write the latencies with which a search began.

    Raises:
        RunError: the file cannot be written.
    """
    run.write_json(FILE, asdict(latencies))


def _parse(file: Path) -> Latencies:
    found = parse_json(file)
    rows = [[float(seconds) for seconds in row] for row in found["rows"]]
    return Latencies(float(found["constant"]), rows)
