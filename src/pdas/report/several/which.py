"""The page of what a user names: a run, several, a sweep, or a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdas.report.page import write_report
from pdas.report.several.page import PAGE, is_sweep, write_several, write_sweep
from pdas.runs.reading import has_file
from pdas.runs.run import Run
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


def write_page_of(paths: Sequence[Path], out: Path | None = None) -> Path:
    """Write the page of one directory into it, or that of several runs into a file.

    Args:
        paths: a run, a sweep or a comparison; or several runs.
        out: the page of several runs; default `report.html` in the working directory.

    Returns:
        The path of the page.

    Raises:
        SettingError: there is nothing to report, or `out` is given with one directory.
        RunError: a directory is none of these, `out` is something else, or cannot be written.
    """
    if len(paths) > 1:
        return write_several(paths, Path(PAGE) if out is None else out)
    if not paths or out is not None:
        refuse(
            SettingError,
            "--out",
            found=f"{len(paths)} directory, whose page goes into it" if paths else "no run",
            expected="several runs",
            remedy="leave it out" if paths else "name one",
        )
    (path,) = paths
    if Run(path).has_config:
        return write_report(path)
    if has_file(path / "comparison.json"):
        from pdas.comparing.results import read_results  # needs torch
        from pdas.report.comparison import write_comparison

        return write_comparison(read_results(path))
    return write_sweep(path) if is_sweep(path) else write_report(path)
