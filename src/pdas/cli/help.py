"""How commands show their help: an example in every page, flags without a value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

EXAMPLES = {
    "": "pdas run digits --out runs/first",
    "run": "pdas run folder --data-dir photos --seed 1 --set search.epochs=20",
    "search": "pdas search digits --set search.epochs=10 --out runs/short",
    "retrain": "pdas retrain runs/digits-0 --seed 1",
    "sweep": "pdas sweep digits --seeds 5 --workers 2",
    "compare": "pdas compare digits --methods pdas,random,plain:resnet18 --seeds 5",
    "check": "pdas check folder --data-dir photos",
    "evaluate": "pdas evaluate runs/digits-0",
    "predict": "pdas predict runs/folder-0 photos/new --top 3 --format csv",
    "export": "pdas export runs/digits-0 --format onnx --out digits-onnx",
    "report": "pdas report runs/digits-0 --follow",
    "watch": "pdas watch runs/digits-0",
    "recipes": "pdas recipes --show digits",
}
"""A command line for each command, "" for the program itself."""


def example(command: str) -> str:
    """The last line of the help of a command.

    Args:
        command: its name.
    """
    return f"Example: {EXAMPLES[command]}"


class _Flags:
    """A command whose flags have no placeholder of a value in its help."""

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_Flags, TyperCommand):
    """A command of the program.

    Example:
        app.command(cls=Command)(run)
    """


class Group(_Flags, TyperGroup):
    """The program, with all its commands.

    Example:
        app = typer.Typer(cls=Group)
    """
