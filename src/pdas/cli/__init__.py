"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error and exit status 2, without a traceback.
"""

from __future__ import annotations

from pdas.cli.importing import importing


def main() -> None:
    """The console script."""
    with importing():  # until a command begins to work
        from pdas.cli.app import run_command

        run_command()
