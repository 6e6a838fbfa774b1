"""The arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdas.support.settings import LARGEST_SEED

RecipeName = Annotated[str, typer.Argument(help="A shipped recipe (`pdas recipes`) or YAML file.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]
Out = Annotated[Path | None, typer.Option(help="New run directory (default: runs/RECIPE-SEED).")]
Seed = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Decides everything that is drawn.")
]
DataDir = Annotated[Path | None, typer.Option(help="Where the images are.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where it was stopped; what is finished is kept.")
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
]
Devices = Annotated[
    int | None, typer.Option(min=1, help="Processes, a device each (device.devices).")
]
Strategy = Annotated[
    str | None, typer.Option(help="ddp: gradients are added up over all (device.strategy).")
]
Logger = Annotated[
    str | None, typer.Option(help="tensorboard or wandb, beside metrics.csv.", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Neither progress nor tables.")]
LogLevel = Annotated[str, typer.Option(help="debug, info, warning or error.")]
