"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error, without a traceback, and exit status 2.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of `pdas`."""
    try:
        # Imported here, so that Ctrl-C during this import also ends with one line.
        from pdas.cli.app import run_command

        run_command()
    except KeyboardInterrupt:
        print("pdas: interrupted", file=sys.stderr)
        sys.exit(130)
