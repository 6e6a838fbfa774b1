"""The arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from pdas.experiment.control import MOST
from pdas.support.settings import LARGEST_SEED

RecipeName = Annotated[str, typer.Argument(help="A shipped recipe (`pdas recipes`) or YAML file.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]
Out = Annotated[Path | None, typer.Option(help="New run directory (default: runs/RECIPE-SEED).")]
Seed = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Decides everything that is drawn.")
]
Control = Annotated[
    int,
    typer.Option(min=0, max=MOST, help="Random architectures to retrain: is the found one better?"),
]
DataDir = Annotated[Path | None, typer.Option(help="Where the images are.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue where it was stopped; what is finished is kept.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting; may be repeated. `pdas recipes --show RECIPE` lists all settings.",
    ),
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


@dataclass(frozen=True)
class TrainingOptions:
    """The options of every command that trains. Each field is one option.

    Example:
        TrainingOptions(devices=2, changes=["search.epochs=10"]).all_changes
    """

    data_dir: DataDir = None
    resume: Resume = False
    devices: Devices = None
    strategy: Strategy = None
    logger: Logger = None
    quiet: Quiet = False
    log_level: LogLevel = "warning"
    changes: Changes = None

    @property
    def all_changes(self) -> tuple[str, ...]:
        """All changes of settings, also those with a separate option."""
        own = {"device.devices": self.devices, "device.strategy": self.strategy}
        named = [f"{name}={value}" for name, value in own.items() if value is not None]
        return (*(self.changes or ()), *named)


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter `options` of a command by the single options.

    typer makes the command line from the signature of a function and knows no groups of options.

    Args:
        command: with a parameter `options`, a `TrainingOptions`.

    Returns:
        The command with all fields of `TrainingOptions` as parameters.
    """
    own = [p for p in signature(command, eval_str=True).parameters.values() if p.name != "options"]
    hints = get_type_hints(TrainingOptions, include_extras=True)
    common = [
        Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(TrainingOptions)
    ]

    @wraps(command)
    def with_options(**values: Any) -> None:
        options = TrainingOptions(**{each.name: values.pop(each.name) for each in common})
        command(**values, options=options)

    parameters = [*own, *common]
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options
