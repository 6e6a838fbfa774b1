"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error, without a traceback, and exit status 2.
"""

from __future__ import annotations

from pdas.cli.importing import importing


def main() -> None:
    """Run the command line; the entry point of `pdas`."""
    with importing():  # until a command begins to work
        from pdas.cli.app import run_command

        run_command()
