"""docs/adding-a-data-set.md does what it says, in a process as a user's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "adding-a-data-set.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
MOST_LINES = 60


def test_its_example_is_short() -> None:
    code = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert len(code) <= MOST_LINES


def test_its_example_passes_its_tests_without_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text("\n".join(BLOCKS), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", file.name, "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert re.search(r"\n=+ 12 passed, 1 skipped in", done.stdout), done.stdout + done.stderr
