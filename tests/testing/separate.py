"""Running pytest in a process of its own, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pdas


def run_pytest(folder: Path, *words: str) -> str:
    """What it prints for files of a folder, with any options."""
    source = str(Path(pdas.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr
