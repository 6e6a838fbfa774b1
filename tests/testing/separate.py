"""Running pytest in a process of its own, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pdas


def run_pytest(file: Path, *options: str) -> str:
    """What it prints for the tests of a file."""
    source = str(Path(pdas.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", file.name, "-p", "no:cacheprovider", *options],
        cwd=file.parent,
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr
