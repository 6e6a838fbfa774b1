"""What is done with a finished run: it is evaluated, reported, exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pdas.experiment.export import FORMATS
from pdas.experiment.export import export as export_network
from pdas.report.card import write_card
from pdas.report.several.which import write_page_of
from pdas.runs.run import Run
from pdas.stages.arguments import as_changes, of_run
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


def report(
    run: str | PathLike[str] | Run | Sequence[str | PathLike[str] | Run],
    out: str | PathLike[str] | None = None,
) -> Path:
    """Write the page of a run again, or one page of several runs, of a sweep, of a comparison.

    Args:
        run: a run or its directory, the directory of a sweep or a comparison, or several runs.
        out: the page of several runs; default `report.html` in the working directory. That of
            anything else goes into its directory.

    Returns:
        The page.

    Raises:
        SettingError: `out` is given without several runs.
        RunError: a directory is none of these, or `out` is taken by something else.

    Example:
        pdas.stages.report("runs/folder-0")
        pdas.stages.report(["runs/folder-0", "runs/folder-1"], "both.html")
    """
    some = [run] if isinstance(run, str | PathLike | Run) else run
    paths = [each.path if isinstance(each, Run) else Path(each) for each in some]
    return write_page_of(paths, None if out is None else Path(out))


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
