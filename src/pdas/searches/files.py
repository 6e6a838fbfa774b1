"""What a run directory holds of the result of a search, with a recipe or without."""

from __future__ import annotations

from typing import Any

from pdas.runs.run import Run
from pdas.searches.result import SearchResult


def write_theta(run: Run, result: SearchResult) -> None:
    """Write the history of theta, if there is one.

    Args:
        run: the directory.
        result: until now.

    Raises:
        RunError: the file cannot be written.
    """
    if (history := result.theta_history) is not None:
        run.write_theta(result.architecture.space, history)


def write_finalists(run: Run, result: SearchResult) -> None:
    """Write what was compared at the end, if anything was.

    Args:
        run: the directory.
        result: of the whole search.

    Raises:
        RunError: the file cannot be written.
    """
    if result.finalists:
        table = [finalist.to_json() for finalist in result.finalists]
        run.write_json("finalists.json", {"finalists": table})


def write_look(run: Run, result: SearchResult) -> None:
    """Write what the last look measured, from which the report draws its warnings.

    Args:
        run: the directory.
        result: of the whole search.

    Raises:
        RunError: the file cannot be written.
    """
    if result.look:
        run.write_json("last_look.json", result.look)


def summary(result: SearchResult) -> dict[str, Any]:
    """What `search.json` says of a search beside its method and its seed.

    Args:
        result: of the whole search.
    """
    about: dict[str, Any] = {
        "seconds": result.seconds,
        "steps": result.history[-1].step if result.history else 0,
        "stopped": result.stopped,
    }
    if result.theta:
        about["learned"] = not result.nothing_learned
    return about | dict(result.method.measures())
