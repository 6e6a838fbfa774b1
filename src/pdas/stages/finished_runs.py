"""What is done with a finished run: it is evaluated, reported, exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pdas.experiment.export import FORMATS
from pdas.experiment.export import export as export_network
from pdas.report.card import write_card
from pdas.report.page import write_report
from pdas.runs.run import Run
from pdas.stages.training import as_changes, of_run
from pdas.support.refusals import check_one_of

EXPORTS: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {**{name: partial(export_network, format=name) for name in FORMATS}, "card": write_card}
)


def evaluate(
    run: str | PathLike[str] | Run,
    *,
    data_dir: str | PathLike[str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """Measure every retraining of a run on the test images again, from its weights.

    Args:
        run: a run or its directory, or that of one retraining.
        data_dir: where the images are, if they have moved.
        changes: settings, as of `pdas.run`.

    Returns:
        The measures, as in `result.json`, by the name of the retraining.

    Raises:
        PdasError: there is no finished retraining, or the data or a setting does not fit.

    Example:
        pdas.stages.evaluate("runs/folder-0")["retrain-0"]["test_error"]
    """
    found = run if isinstance(run, Run) else Run.open(run)
    asked = as_changes(changes)
    return {
        each.path.name: of_run(each, data_dir, None, asked).evaluate(each)
        for each in found.retrained()
    }


def report(run: str | PathLike[str] | Run) -> Path:
    """Draw the pictures and write the page of a run again.

    Args:
        run: a run or its directory.

    Returns:
        The page, `report.html`.

    Raises:
        RunError: the directory is no run, or a file of it is damaged.

    Example:
        pdas.stages.report("runs/folder-0")
    """
    return write_report(run.path if isinstance(run, Run) else run)


def export(
    run: str | PathLike[str] | Run,
    format: str = "state_dict",
    out: str | PathLike[str] | None = None,
) -> Path:
    """Write the retrained network of a run as files for other programs, into a new directory.

    Args:
        run: a run directory, of which the first retraining is used, or one `retrain-<seed>/`.
        format: "state_dict", "torch" and "onnx" are the network, with `network.json` beside it;
            "card" is its model card, `README.md`. See `docs/export.md`.
        out: the directory; default `export-<format>` in that of the retraining.

    Returns:
        The directory.

    Raises:
        SettingError: the format is unknown, or an extra is missing.
        RunError: there is no finished retraining, its files are damaged, `out` is taken, or the
            exported network computes something else.

    Example:
        pdas.stages.export("runs/folder-0", "onnx", "folder-onnx")
    """
    check_one_of("--format", format, EXPORTS)
    path = run.path if isinstance(run, Run) else run
    return EXPORTS[format](path, out=None if out is None else Path(out))
