"""The commands for finished runs, `evaluate`, `export`, `report`; and `recipes`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pdas import recipes
from pdas.cli.importing import importing
from pdas.cli.interrupts import interruptible
from pdas.cli.options import Changes, DataDir, RunPath
from pdas.cli.progress import show_wait
from pdas.cli.tables import show_summary, table
from pdas.cli.watch import follow as follow_run
from pdas.distributed.launch import rank
from pdas.runs.run import Run
from pdas.support.errors import SettingError, printable
from pdas.support.metrics import measures_text
from pdas.support.refusals import refuse
from pdas.tasks.results import metrics_of


def evaluate(run: RunPath, data_dir: DataDir = None, changes: Changes = None) -> None:
    """Measure every retraining of a run on the test images again, from its weights."""
    retrainings = Run.open(run).retrained()
    show_wait(f"evaluation of {run}")
    with importing():
        from pdas.stages.arguments import of_run

    rows = []
    for retraining in retrainings:
        experiment = of_run(retraining, data_dir, None, changes or ())
        measures = experiment.evaluate(retraining)
        metrics = metrics_of(experiment.recipe.model_dump(mode="json"))
        rows.append((retraining.path.name, measures_text(measures, metrics)))
    table(str(run), rows)


def export(
    run: RunPath,
    format: Annotated[
        str, typer.Option(help="One of state_dict, torch, onnx, or card, a model card.")
    ] = "state_dict",
    out: Annotated[
        Path | None, typer.Option(help="New directory (default: export-FORMAT in the retraining).")
    ] = None,
) -> None:
    """Write the retrained network of a run as files for other programs, and print their names.

    Its first retraining is used; name RUN/retrain-1 for another.
    """
    show_wait(f"export of {run}")
    with importing():
        from pdas.stages import export as export_run

    with interruptible("the export was not finished"):
        made = export_run(run, format, out)
    for file in sorted(made.iterdir()):
        typer.echo(printable(str(file)))


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Runs, or the directory of a sweep or a comparison."),
    ],
    follow: Annotated[
        bool, typer.Option("--follow", help="Write it again while the run continues.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Page of several runs (default: report.html).")
    ] = None,
) -> None:
    """Write the page of a run again, or one page of several runs, a sweep or a comparison."""
    if follow:
        return follow_run(_only(runs, out))
    if len(runs) == 1 and out is None and Run(runs[0]).has_config:
        opened = Run.open(runs[0])
        show_wait(f"report of {runs[0]}")
        return write_report(opened)
    show_wait(f"report of {', '.join(map(str, runs))}")
    with importing():
        from pdas.report.several.which import write_page_of

    if rank() == 0:
        typer.echo(printable(f"The page is {write_page_of(runs, out)}."))


def _only(runs: Sequence[Path], out: Path | None) -> Path:
    """The run that is followed, which is one and has its page within."""
    if len(runs) > 1 or out is not None:
        refuse(
            SettingError,
            "--follow",
            found="several runs" if len(runs) > 1 else "--out",
            expected="one run, whose page goes into it",
            remedy="leave it out",
        )
    return runs[0]


def list_recipes(
    show: Annotated[str | None, typer.Option(help="Print all settings of this recipe.")] = None,
) -> None:
    """List the shipped recipes, or print one with all its settings."""
    if show is not None:
        typer.echo(recipes.dump(recipes.load(show)), nl=False)
    else:
        table("recipes", [(name, recipes.load(name).description) for name in recipes.names()])


def write_report(run: Run, quiet: bool = False) -> None:
    """Write the page of a run and print its summary and its warnings. Only rank 0 does this.

    Args:
        run: the run directory.
        quiet: whether to print nothing.
    """
    if rank() > 0:
        return
    # Imported here, since matplotlib is slow to import and only needed for this.
    from pdas.report.page import write_report as write_page

    page = write_page(run.path)
    if not quiet:
        show_summary(run.path, ("report", str(page)))
