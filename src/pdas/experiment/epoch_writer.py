"""What a stage records of every epoch: `metrics.csv`, `theta.npz`, and a logger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from lightning_fabric import Fabric

from pdas.experiment.loggers import Rows, epoch_log
from pdas.runs.run import Run
from pdas.searches.search import Progress, SearchResult
from pdas.training.retrain import RetrainProgress


@contextmanager
def search_records(
    run: Run, logger: str | None, fabric: Fabric
) -> Iterator[Callable[[SearchResult], None]]:
    """What writes the epochs of a search so far, on rank 0; see `epoch_log`."""
    with _rows(run, logger, "search", fabric) as write:

        def record(result: SearchResult) -> None:
            if fabric.is_global_zero:
                write(result.history)
                steps = [0, *(progress.step for progress in result.history)]
                run.write_theta(result.optimizer.space, steps, result.theta)

        yield record


@contextmanager
def retraining_records(
    retrained: Run, logger: str | None, fabric: Fabric
) -> Iterator[Callable[[Sequence[RetrainProgress]], None]]:
    """What writes the epochs of a retraining so far, on rank 0; see `epoch_log`."""
    with _rows(retrained, logger, "retrain", fabric) as write:
        yield write


@contextmanager
def _rows(
    run: Run, logger: str | None, stage: str, fabric: Fabric
) -> Iterator[Callable[[Sequence[Progress | RetrainProgress]], None]]:
    if not fabric.is_global_zero:
        yield lambda history: None
        return
    with epoch_log(logger, run.path, stage) as log:

        def write(history: Sequence[Progress | RetrainProgress]) -> None:
            rows: Rows = [_row(asdict(progress)) for progress in history]
            run.write_metrics(rows)
            log(rows)

        yield write


def _row(progress: Mapping[str, Any]) -> dict[str, float | int]:
    """Progress as a row of `metrics.csv`, with a column for each measure."""
    rest = {name: value for name, value in progress.items() if name not in ("steps", "measures")}
    first = {name: rest.pop(name) for name in ("step", "epoch")}
    return {**first, **progress["measures"], **rest}
