"""What a stage writes after every epoch: `metrics.csv`, `theta.npz`, and the rows of a logger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pdas.experiment.loggers import epoch_log
from pdas.runs.run import Run
from pdas.searches.files import write_theta
from pdas.searches.result import SearchResult
from pdas.training.loop import Progress


@contextmanager
def epochs_of_search(run: Run, logger: str | None) -> Iterator[Callable[[SearchResult], None]]:
    """As `epochs_of`, for a search: the history of theta is written as well.

    Args:
        run: the directory.
        logger: its name, or None.

    Yields:
        What writes a result, of the epochs until now.
    """
    with epochs_of(run, logger, "search") as write:

        def write_result(result: SearchResult) -> None:
            write(result.history)
            write_theta(run, result)

        yield write_result


@contextmanager
def epochs_of(
    run: Run, logger: str | None, stage: str
) -> Iterator[Callable[[Sequence[Progress]], None]]:
    """Open what writes the measures of every epoch.

    Args:
        run: the directory. Where it does not write, nothing is logged either.
        logger: its name, or None.
        stage: "search" or "retrain", the prefix of the logged names.

    Yields:
        What writes a history, of all epochs until now.

    Raises:
        SettingError, RunError: see `epoch_log`.
    """
    with epoch_log(logger if run.writes else None, run.path, stage) as log:

        def write(history: Sequence[Progress]) -> None:
            rows = [progress.row() for progress in history]
            run.write_metrics(rows)
            log(rows)

        yield write
