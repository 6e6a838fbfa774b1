"""The command `check`, and the same in short before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pdas import recipes
from pdas.cli.importing import importing
from pdas.cli.options import Changes, DataDir, RecipeName, Seed
from pdas.cli.progress import show_logs, show_start
from pdas.cli.tables import table
from pdas.distributed.launch import rank

if TYPE_CHECKING:
    from pdas.experiment.check import Check, OnCheck


def check(
    recipe: RecipeName, data_dir: DataDir = None, changes: Changes = None, seed: Seed = 0
) -> None:
    """Look at the images of a recipe, and plan the search and the retraining. Nothing is written.

    It names what is passed over, constant images, small classes and test images that are nearly the
    same as training images; then the weights of both networks, and the time that both take here.
    """
    show_logs("error")  # what is logged of the images is in the table
    chosen = recipes.load(recipe, changes or ())
    show_start(f"check of {chosen.name}", quiet=False)
    with importing():
        from pdas.experiment.experiment import Experiment
        from pdas.report.parts.check import check_rows, class_rows

    found = Experiment(chosen, seed, data_dir).check().to_json()
    classes = [
        (name, f"{train} for training, {test} for the test")
        for name, train, test in class_rows(found)
    ]
    table(f"check of {chosen.name}", [*check_rows(found), *classes])


def on_check(quiet: bool) -> OnCheck:
    """A function that says what was found before a run.

    Args:
        quiet: whether it says nothing.
    """

    def show(check: Check) -> None:
        if quiet or rank() > 0:
            return
        from pdas.report.parts.check import NOTE, check_rows

        for label, text in check_rows(check.to_json()):
            if label != NOTE:  # these were logged when the images were read
                typer.echo(f"{label}: {text}", err=True)

    return show
