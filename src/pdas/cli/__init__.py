"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error and exit status 2, without a traceback.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The console script."""
    try:
        from pdas.cli.app import run_command  # here, so that Ctrl-C while it is imported is a line

        run_command()
    except KeyboardInterrupt:
        print("pdas: interrupted", file=sys.stderr)
        sys.exit(130)
